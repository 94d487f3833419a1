"""Who may what: rights, roles, and those who have them."""
