"""[pull.NAME] tables of SFTP servers: every mistake is told."""

import pytest
from pydantic import ValidationError

from lienthong.pull.sftp_profile import SftpPull

DROPS = {"kind": "sftp", "host": "sftp.example", "user": "lt", "host_key": "ssh-ed25519 AAAA"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"host_key": None}, "never trusted at first sight"),
        ({"known_hosts": "/etc/ssh/known_hosts"}, "either host_key"),
        ({"host_key": "AAAA"}, "ssh-keyscan"),
        ({"folder": "/out", "archive": "/out/"}, "another folder"),
        ({"files": []}, "at least 1 item"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wrong_profile_is_told(change, said):
    with pytest.raises(ValidationError, match=said):
        SftpPull.model_validate({**DROPS, **change})


def test_a_password_is_not_shown():
    profile = SftpPull.model_validate({**DROPS, "password": "s3cret", "key_password": "k3y"})

    assert "s3cret" not in repr(profile)
    assert "k3y" not in repr(profile)
