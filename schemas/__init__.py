"""
The ground floor: what a dossier is, and the XML it travels in. Imports none of the others.

The modules are the public surface, so that who needs one does not pay for the rest:

    problem      findings, places and texts in two languages
    errors       the error tree of the product
    parser       the one hardened XML parser; imports nothing of ours
    model        schema versions and their fields, read from the XSD
    building     messages as canonical text
    reading      messages from parsed elements
    edxml        packets between administrations, in and out
    portal_json  the fields of a document as the portal's JSON
    receipts     what Lienthong states about a hand-over, to and from XML
    validation   is it valid, and if not, everything that is wrong with it
"""

__all__ = [
    "building",
    "edxml",
    "errors",
    "model",
    "parser",
    "portal_json",
    "problem",
    "reading",
    "receipts",
    "validation",
]
