"""
Properties of messages that the library cannot read are read without their headers.

What an agency writes into its headers passes the server as it is; a time-stamp in milliseconds
instead of seconds, or tables in tables a thousand deep, end the library's thread in the middle of
reading, and with it the connection, for every agency, again and again. The library has no hook for
this but its register of properties.
"""

from __future__ import annotations

import struct
from typing import Any

from pika import BasicProperties, spec
from pika.exceptions import AMQPError

UNREADABLE = "lt-unreadable"
"""The only header of a message whose headers could not be read."""
_NO_TABLE = struct.pack(">I", 0)


class AnyProperties(BasicProperties):
    """Properties of a message, whatever its headers are."""

    def decode(self, encoded: bytes, offset: int = 0) -> Any:
        """Read the properties; headers that cannot be read become `UNREADABLE`."""
        try:
            return super().decode(encoded, offset)
        except (AMQPError, ValueError, ArithmeticError, OSError, RecursionError, struct.error):
            start = _headers_start(encoded, offset)
            (size,) = struct.unpack_from(">I", encoded, start)
            without = encoded[:start] + _NO_TABLE + encoded[start + len(_NO_TABLE) + size :]
            super().decode(without, offset)
            self.headers = {UNREADABLE: True}
            return self


def read_any_properties() -> None:
    """Make the library read every message's properties; may be called again."""
    spec.props[BasicProperties.INDEX] = AnyProperties


def _headers_start(encoded: bytes, offset: int) -> int:
    # AMQP 0-9-1, 4.2.6.1: flags of 15 bits, the last bit tells of more; then the values in order.
    flags, start = 0, offset
    while True:
        (part,) = struct.unpack_from(">H", encoded, start)
        flags |= part << (8 * (start - offset))
        start += 2
        if not part & 1:
            break
    for flag in (BasicProperties.FLAG_CONTENT_TYPE, BasicProperties.FLAG_CONTENT_ENCODING):
        if flags & flag:
            start += 1 + encoded[start]
    return start
