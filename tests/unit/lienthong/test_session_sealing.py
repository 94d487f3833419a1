"""The session with a portal, sealed by the store's key: no trouble of the store ends a call."""

from datetime import UTC, datetime

import pytest
from sqlalchemy.exc import OperationalError

from lienthong.session_sealing import VaultSealing
from lienthong.store.vault import open_vault
from lienthong.trouble import NoConnectionFree

NOW = datetime(2026, 11, 26, tzinfo=UTC)


class Keys:
    """Data keys in memory; away, once something is set to be raised."""

    def __init__(self):
        self.kept = []
        self.trouble = None

    def load(self):
        if self.trouble is not None:
            raise self.trouble
        return list(self.kept)

    def write(self, *, before, after, at):
        self.kept = list(after)


@pytest.mark.parametrize(
    "trouble", [OperationalError("SELECT", {}, Exception("gone")), NoConnectionFree()]
)
def test_a_key_that_cannot_be_asked_for_is_a_session_that_is_not_there(tmp_path, trouble):
    keys = Keys()
    vault = open_vault(tmp_path / "keys", keys, encrypt=True, now=NOW)
    sealing = VaultSealing(lambda: vault)
    sealed = sealing.seal(b"phien")
    assert sealing.open(sealed) == b"phien"
    keys.trouble = trouble

    # As if another process had made the key that it is sealed with.
    assert sealing.open(sealed[:1] + b"\x00\x00\x00\x09" + sealed[5:]) is None
