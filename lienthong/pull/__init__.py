"""
Sources that are read by us, because their systems cannot send: where, from which point on, and how
often is configuration of the installation; what the records mean is said by the mapping, as ever.
"""
