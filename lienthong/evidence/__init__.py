"""What anyone can check later: seals over the audit log, their witnesses, and proofs."""
