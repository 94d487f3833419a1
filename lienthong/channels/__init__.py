"""
Channels to a portal: the port, SOAP, and the JSON adapter.

`SoapChannel` (lienthong.channels.soap), `JsonChannel` (lienthong.channels.dvcqg_json) and
`TargetProfile` (lienthong.channels.profile) are imported from their modules: most of the
application needs the port's values only.
"""

from __future__ import annotations

from lienthong.channels.port import (
    Answer,
    Channel,
    Found,
    LookUp,
    Outcome,
    Packet,
    SendRequest,
)

__all__ = ["Answer", "Channel", "Found", "LookUp", "Outcome", "Packet", "SendRequest"]
