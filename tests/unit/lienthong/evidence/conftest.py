"""Packs to check and to spoil; made once."""

import pytest

from lienthong.testing.evidence_workshop import open_workshop


@pytest.fixture(scope="session")
def shop(tmp_path_factory):
    return open_workshop(tmp_path_factory.mktemp("workshop"))
