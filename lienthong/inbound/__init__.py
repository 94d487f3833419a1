"""
Messages that peers (the national portal, a city's portal, a tax office) send down to agencies.

Here is decided who a peer is, what of its message counts, for which agency it is and what it is
told; nothing of HTTP (`lienthong.doors.peers`), and nothing of what happens after it is durable:
the file that the agency gets (`lienthong.inbound_conversion`), its way (`lienthong.receivers`).
"""
