"""How a receiver may be set: one way, and none that is open to others."""

import pytest
from pydantic import ValidationError

from lienthong.receivers.profile import ReceiverProfile

SECRET = "bi-mat-dai-it-nhat-24-ky-tu"


def hook(**more):
    return ReceiverProfile.model_validate(
        {"hook": {"url": "https://land.example/in", "secret": SECRET} | more}
    )


@pytest.mark.parametrize("ways", [{}, {"folder": "a", "queue": True}])
def test_exactly_one_way_is_given(ways):
    with pytest.raises(ValidationError, match="exactly one"):
        ReceiverProfile.model_validate(ways)


@pytest.mark.parametrize(
    ("more", "word"),
    [
        ({"url": "http://land.example/in"}, "openly"),
        ({"url": "ftp://land.example/in"}, "openly"),
        ({"url": "https://an:mat@land.example/in"}, "no user and password"),
        ({"url": "https://"}, "openly"),
        ({"secret": "ngan"}, "at least 24"),
        # Its key would be empty, or too short to be a secret, or could not be read at all.
        ({"secret": "whsec_" + "!" * 40}, "base64"),
        ({"secret": "whsec_" + "c2VjcmV0" * 3}, "at least 24"),
        ({"secret": "whsec_" + "c2VjcmV0" * 4 + "x"}, "base64"),
        ({"rejected_statuses": [500]}, "400 to 499"),
        ({"verify": False}, "verify"),
    ],
)
def test_what_would_be_open_or_wrong_is_refused(more, word):
    with pytest.raises(ValidationError, match=word):
        hook(**more)


def test_the_secret_stands_in_no_error_and_no_representation():
    with pytest.raises(ValidationError) as caught:
        hook(url="http://land.example", secret="bi-mat-dai-it-nhat-24-ky-tu-xyz")

    assert "bi-mat" not in repr(hook())
    assert "xyz" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8080/in", "http://[::1]/in", "http://localhost/"]
)
def test_this_machine_may_be_reached_without_tls(url):
    assert hook(url=url).hook.endpoint == url
