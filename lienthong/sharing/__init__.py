"""
Sharing between agencies: what one agency's dossiers say reaches another, as a profile covers it.

What the portal has accepted is filtered and becomes a submission to the receiver, which gets it in
its own format like what peers send. Nothing else of the dossier leaves its agency.
"""
