"""What every HTTP service of ours has in common: how it listens, answers and refuses."""
