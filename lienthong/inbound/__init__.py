"""
Messages that peers (the national portal, a city's portal, a tax office) send down to agencies.

Here is decided who a peer is, what of its message counts, for which agency it is, what it is told,
and what file the agency gets; nothing of HTTP (`lienthong.doors.peers`), and nothing of how the
file reaches the agency (`lienthong.receivers`).
"""
