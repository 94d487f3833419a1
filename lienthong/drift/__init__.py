"""
Watching what a target and its contract look like: answers, WSDL and XSD, dictionaries.

What was learnt, or accepted by an operator, is a fingerprint: names, types, sizes and codes, never
a value that could be somebody's. What differs from it is told once, with the mappings it touches.
Nothing here decides what an answer means; the channels do.
"""
