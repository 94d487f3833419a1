"""
Where what authorities say of revoked certificates comes from: a folder, or their own addresses.

Nothing here decides what it means; `signing.revocation` does. Deliveries never wait for it: they
take what is at hand, and fetching goes on beside them.
"""
