"""
The profiles of sources that are read by us: one `[pull.NAME]` table of the settings each.

Everything that a system's owner can do differently is a setting, because agencies' systems are
theirs.
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import BaseModel, Field

from lienthong.pull.rest_profile import RestPull
from lienthong.pull.sftp_profile import SftpPull
from lienthong.pull.soap_profile import SoapPull
from lienthong.pull.sql_profile import SqlPull

RecordPull: TypeAlias = SqlPull | RestPull | SoapPull
"""Sources that give records."""
PullProfile: TypeAlias = Annotated[
    SqlPull | RestPull | SoapPull | SftpPull, Field(discriminator="kind")
]
KINDS: dict[str, type[BaseModel]] = {
    "sql": SqlPull,
    "rest": RestPull,
    "soap": SoapPull,
    "sftp": SftpPull,
}
"""By the word that a table says."""
