"""
The files of dossiers: what is declared of them, fetching and checking them, and keeping them.

No dossier becomes ready before every one of its files is there and is what its record declares.
"""
