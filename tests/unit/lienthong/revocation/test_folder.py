"""A folder of revocation lists, for networks that are closed: whatever else lies in it."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

import pytest

from lienthong.revocation import folder as folder_module
from lienthong.revocation.folder import FolderSource
from lienthong.revocation.profile import RevocationSettings
from lienthong.revocation.sources import RevocationSources
from signing import (
    Demand,
    DevelopmentAuthority,
    Withdrawn,
    load_development_authority,
    load_pem,
    make_development_pki,
)

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    return make_development_pki(
        tmp_path_factory.mktemp("keys"), agencies={"a": ("H29.5", "A")}, now=NOW, kind="ec"
    )


@pytest.fixture(scope="module")
def authority(pki):
    return load_development_authority(pki.folder)


@pytest.fixture(scope="module")
def other_authority(tmp_path_factory):
    folder = tmp_path_factory.mktemp("others")
    made = make_development_pki(folder, agencies={}, now=NOW)
    # Of another name: the development roots share theirs.
    key = load_pem(made.portal.key, made.portal.certificate, passphrase=None)
    return DevelopmentAuthority(key=key.private_key, certificate=key.certificate)


@pytest.fixture
def certificate(pki):
    return load_pem(
        pki.agencies["a"].key, pki.agencies["a"].certificate, passphrase=None
    ).certificate


@pytest.fixture
def lists(tmp_path, monkeypatch):
    monkeypatch.setattr(folder_module, "LOOK_SECONDS", 0)
    place = tmp_path / "lists"
    place.mkdir()
    return place


def find(source, certificate, authority):
    return source.find(certificate, issuer=authority.certificate)


def test_the_lists_of_the_issuer_are_found_among_others(
    lists, authority, other_authority, certificate
):
    ours = authority.make_list(now=NOW)
    (lists / "ours.crl").write_bytes(ours)
    (lists / "theirs.crl").write_bytes(other_authority.make_list(now=NOW))
    (lists / "README.txt").write_text("lists are put here every morning")
    (lists / "sub.crl").mkdir()

    found = find(FolderSource(lists, max_bytes=10_000), certificate, authority)

    assert [one.data for one in found.evidence] == [ours]
    assert [one.code for one in found.reasons] == ["revocation.folder"]
    assert "sub.crl" in found.reasons[0].en


def test_a_list_that_is_put_there_counts_at_once(lists, authority, certificate):
    source = FolderSource(lists, max_bytes=10_000)
    assert find(source, certificate, authority).evidence == ()

    (lists / "ours.crl").write_bytes(authority.make_list(now=NOW - HOUR))
    assert len(find(source, certificate, authority).evidence) == 1

    newer = authority.make_list([Withdrawn(serial=1, at=NOW)], now=NOW)
    (lists / "ours.crl").write_bytes(newer)
    os.utime(lists / "ours.crl", ns=(1, 1))
    assert find(source, certificate, authority).evidence[0].data == newer

    (lists / "ours.crl").unlink()
    assert find(source, certificate, authority).evidence == ()


def test_an_unchanged_list_is_the_same_object_each_time(lists, authority, certificate):
    (lists / "ours.crl").write_bytes(authority.make_list(now=NOW))
    source = FolderSource(lists, max_bytes=10_000)

    first, second = (find(source, certificate, authority).evidence[0].data for _ in range(2))

    assert first is second


def test_a_list_that_is_too_large_is_named_and_not_read(lists, authority, certificate):
    (lists / "huge.crl").write_bytes(b"\x30" * 10_001)

    found = find(FolderSource(lists, max_bytes=10_000), certificate, authority)

    assert found.evidence == ()
    assert "huge.crl" in found.reasons[0].vi


def test_a_folder_that_is_not_there_is_a_reason(tmp_path, authority, certificate):
    found = find(FolderSource(tmp_path / "absent", max_bytes=10_000), certificate, authority)

    assert [one.code for one in found.reasons] == ["revocation.folder"]


def sources(tmp_path, **settings):
    made = RevocationSettings(**settings)
    return RevocationSources(made, data_dir=tmp_path, clock=lambda: NOW)


def test_off_asks_nobody(tmp_path):
    revocation = sources(tmp_path, demand="off", folder=tmp_path).at_once()

    assert revocation.demand is Demand.OFF
    assert revocation.source is None


def test_without_settings_what_is_known_counts_and_nothing_waits(tmp_path):
    revocation = sources(tmp_path).beside()

    assert revocation.demand is Demand.WHEN_AVAILABLE
    assert revocation.source is not None


def test_policies_share_what_was_fetched_and_differ_in_what_they_demand(tmp_path):
    found = sources(tmp_path)

    strict, usual = found.beside(Demand.REQUIRED), found.beside()

    assert (strict.demand, usual.demand) == (Demand.REQUIRED, Demand.WHEN_AVAILABLE)
    assert strict.source == usual.source
    assert found.beside(Demand.OFF).source is None


def test_the_settings_become_the_policy(tmp_path):
    revocation = sources(
        tmp_path, demand="required", max_age_hours=12, authority_max_age_days=30
    ).beside()

    assert revocation.demand is Demand.REQUIRED
    assert revocation.max_age == timedelta(hours=12)
    assert revocation.authority_max_age == timedelta(days=30)


def test_the_state_of_every_list_is_told(lists, tmp_path, authority):
    (lists / "a.crl").write_bytes(authority.make_list(now=NOW - HOUR))
    (lists / "b.crl").write_bytes(b"<html>")

    good, bad = sources(tmp_path, demand="required", folder=lists).states()

    assert good.words(NOW).en == (
        "CN=Lienthong development root,OU=FOR DEVELOPMENT ONLY / CHỈ DÙNG ĐỂ THỬ NGHIỆM,"
        f"O=Lienthong,C=VN: 1 hours old, next 2026-11-25 07:00 UTC ({lists / 'a.crl'})"
    )
    assert not good.is_late(NOW)
    assert good.is_late(NOW + 24 * HOUR)
    assert bad.is_late(NOW)
    assert bad.words(NOW).en == f"{lists / 'b.crl'} cannot be read"


@pytest.mark.parametrize(
    ("setting", "word"),
    [
        ({"demand": "always"}, "demand"),
        ({"max_age_hours": 0}, "max_age_hours"),
        ({"lists": ["ldap://ca.example/"]}, "lists"),
        ({"lists": ["http://user:secret@ca.example/"]}, "lists"),
        ({"max_bytes": 10**9}, "max_bytes"),
    ],
)
def test_wrong_settings_are_named(setting, word):
    with pytest.raises(ValueError, match=word):
        RevocationSettings(**setting)
