"""Whether agency, store and portal agree, dossier by dossier; nothing is sent from here."""
