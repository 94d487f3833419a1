"""Which addresses may be called: those under an allowed one, read in one way only."""

import socket

import pytest
from pydantic import ValidationError

from lienthong.attachments.addresses import AddressPrivate, AddressWrong, read_root, resolve
from lienthong.attachments.profile import AttachmentSettings, FileServer

ROOT = read_root("https://hs.example.vn/tep/")


@pytest.mark.parametrize(
    "address",
    [
        "https://hs.example.vn/tep/a.pdf",
        "https://HS.example.vn/tep/a.pdf?x=1",
        "https://hs.example.vn:443/tep/a.pdf",
        "https://hs.example.vn/tep/Đơn xin.pdf",
        "https://hs.example.vn./tep/a.pdf",
        "https://hs.example.vn/tep/..a/b",
    ],
)
def test_what_is_under_the_allowed_address_is_covered(address):
    assert ROOT.covers(read_root(address))


@pytest.mark.parametrize(
    "address",
    [
        "http://hs.example.vn/tep/a.pdf",
        "https://hs.example.vn:8443/tep/a.pdf",
        "https://hs.example.vn/teptin/a.pdf",
        "https://hs.example.vn/",
        "https://hs.example.vn.evil.vn/tep/a.pdf",
        "https://evil.vn/https://hs.example.vn/tep/a.pdf",
        "https://[::1]/tep/a.pdf",
        "https://127.0.0.1/tep/a.pdf",
    ],
)
def test_what_is_elsewhere_is_not(address):
    assert not ROOT.covers(read_root(address))


@pytest.mark.parametrize(
    "address",
    [
        "",
        "a.pdf",
        "/tep/a.pdf",
        "//hs.example.vn/tep/a",
        "file:///etc/passwd",
        "ftp://hs.example.vn/tep/a",
        "gopher://hs.example.vn/tep/a",
        "https://hs.example.vn@evil.vn/tep/a",
        "https://u:p@hs.example.vn/tep/a",
        "https://hs.example.vn/tep/../admin",
        "https://hs.example.vn/tep/%2e%2e/admin",
        "https://hs.example.vn/tep/%252e%252e/admin",
        "https://hs.example.vn/tep/..%5cadmin",
        # As some servers of applications read it: what comes after ";" is no part of the name.
        "https://hs.example.vn/tep/..;/admin",
        "https://hs.example.vn/tep/..;x=1/admin",
        "https://hs.example.vn/tep/%2e%2e%3b/admin",
        "https://hs.example.vn/tep/..%2fadmin",
        "https://hs.example.vn/tep\\..\\admin",
        "https://hs.example.vn\\@evil.vn/tep/a",
        "https://hs.example.vn/tep/a\r\nHost: evil",
        "https://hs.example.vn/tep/a%0d%0aX: y",
        "https://hs.example.vn/tep/a#b",
        "https://hs.example.vn:99999/tep/a",
        "https://[hs.example.vn/tep/a",
        "https://" + "a" * 70 + "ê.vn/tep/a",
    ],
)
def test_an_address_that_could_be_read_in_two_ways_is_refused(address):
    with pytest.raises(AddressWrong):
        read_root(address)


def test_what_is_called_is_what_was_compared():
    root = read_root("https://hs.example.vn/tep/Đơn xin.pdf?tên=á b")

    assert root.target == "/tep/%C4%90%C6%A1n%20xin.pdf?t%C3%AAn=%C3%A1%20b"


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["10.0.0.5"],
        ["172.16.1.1"],
        ["192.168.1.1"],
        ["169.254.169.254"],
        ["100.64.0.1"],
        ["0.0.0.0"],
        ["224.0.0.1"],
        ["::1"],
        ["fe80::1"],
        ["fd00::1"],
        ["::ffff:127.0.0.1"],
        ["64:ff9b::7f00:1"],
        ["2002:7f00:1::"],
        ["::7f00:1"],
        ["64:ff9b:1::a00:5"],
        ["fec0::1"],
        ["203.113.131.1", "10.0.0.5"],
    ],
)
def test_a_host_with_a_private_address_is_not_called(monkeypatch, addresses):
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, 443)) for one in addresses]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_named: found)

    with pytest.raises(AddressPrivate):
        resolve("hs.example.vn", 443, allow_private=False)

    assert resolve("hs.example.vn", 443, allow_private=True) == addresses[0]


def test_a_public_host_is_called_at_the_address_that_was_found(monkeypatch):
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("203.113.131.1", 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_named: found)

    assert resolve("hs.example.vn", 443, allow_private=False) == "203.113.131.1"


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "http://hs.example.vn/"},
        {"url": "https://u:p@hs.example.vn/"},
        {"url": "file://host/x"},
        {"url": "ftp://hs.example.vn/"},
        {"agencies": ()},
        {"token": "a", "user": "b"},
        {"token": "a\r\nX: y"},
        {"token_header": "X Y"},
        {"client_key": "k.pem"},
    ],
)
def test_a_server_that_cannot_be_meant_is_refused(wrong):
    with pytest.raises(ValidationError):
        FileServer.model_validate({"url": "https://a.vn/", "agencies": ("a",)} | wrong)


@pytest.mark.parametrize(
    ("store", "is_right"),
    [
        ("file:///srv/files", True),
        ("s3+https://s3.example.vn/ho-so/files", True),
        ("s3+http://127.0.0.1:9000/ho-so", True),
        ("/srv/files", False),
        ("file://host/files", False),
        ("s3+https://s3.example.vn", False),
        ("s3+https://k:s@s3.example.vn/ho-so", False),
        ("https://s3.example.vn/ho-so", False),
    ],
)
def test_a_file_store_is_a_folder_or_a_bucket(store, is_right):
    if is_right:
        assert AttachmentSettings(store=store).store == store
    else:
        with pytest.raises(ValidationError):
            AttachmentSettings(store=store)


def test_an_agency_has_one_folder_of_files():
    def servers(*agencies):
        return {
            f"s{number}": {"url": f"file:///srv/{number}", "agencies": each}
            for number, each in enumerate(agencies)
        }

    with pytest.raises(ValidationError, match="'land' has several folders: s0, s2"):
        AttachmentSettings.model_validate({"servers": servers(["land"], ["tax"], ["tax2", "land"])})
    AttachmentSettings.model_validate(
        {
            "servers": {
                **servers(["land"], ["tax"]),
                "web": {"url": "https://a.vn/", "agencies": ["land"]},
                "web2": {"url": "https://b.vn/", "agencies": ["land"]},
            }
        }
    )
