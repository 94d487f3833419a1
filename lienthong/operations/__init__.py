"""
What operators do, whichever way they ask: the HTTP API and the console call these and nothing else.

Each function takes whoever asks first, needs a right by name, and shows nothing of agencies for
which it is not had: what is there and what is not there are answered alike.
"""
