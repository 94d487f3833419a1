"""
The console: pages for people, made here and sent whole, over the operations of the HTTP API.

It decides nothing itself and knows nothing that the API lacks. Everything works without scripts;
htmx only renews parts of a page. Vietnamese comes first; English is a switch away.
"""
