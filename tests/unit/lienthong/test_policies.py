"""By which policy each use judges signatures: what settings narrow, and what they cannot widen."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import get_args

import pytest

from lienthong.policies import Policies, setting_name
from lienthong.policy_settings import (
    FormName,
    LegacyName,
    PolicyName,
    PolicySettings,
    StrongName,
)
from lienthong.revocation.profile import RevocationSettings
from lienthong.revocation.sources import RevocationSources
from lienthong.settings import load_settings
from schemas.errors import ConfigError
from signing import (
    Algorithm,
    Demand,
    Form,
    LegacyAlgorithm,
    TrustUnusable,
    VerificationPolicy,
    load_policy,
    make_development_pki,
)

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
NAMES = get_args(PolicyName)


@pytest.fixture(scope="module")
def roots(tmp_path_factory):
    """Two anchors, as there are two: of the Government, and of the public."""
    folder = tmp_path_factory.mktemp("roots")
    return [
        make_development_pki(folder / name, agencies={}, now=NOW).root.certificate
        for name in ("government", "public")
    ]


def policies(settings, pinned=None, **options) -> Policies:
    return Policies(settings, pinned=lambda: pinned or VerificationPolicy(), **options)


@pytest.fixture
def settings_of(tmp_path):
    def load(text):
        file = tmp_path / "lienthong.toml"
        file.write_text(text, encoding="utf-8")
        return load_settings(file=file)

    return load


def test_without_settings_what_the_keyring_pins_is_trusted_except_for_receipts(roots):
    pinned = load_policy(roots[:1])
    loaded = policies({}, pinned)

    assert loaded.load("agency-document") == pinned
    assert loaded.load("edxml-legacy").trust_anchors == pinned.trust_anchors
    with pytest.raises(ConfigError) as refused:
        loaded.load("portal-receipt")
    assert refused.value.code == "target.receipt_trust"


def test_each_use_may_demand_revocation_otherwise_than_the_installation(roots, tmp_path):
    loaded = policies(
        {"portal-receipt": PolicySettings(roots=(roots[1],), revocation="required")},
        load_policy(roots[:1]),
        revocation=RevocationSources(RevocationSettings(), data_dir=tmp_path, clock=lambda: NOW),
    )

    assert loaded.load("agency-document").revocation.demand is Demand.WHEN_AVAILABLE
    assert loaded.load("portal-receipt").revocation.demand is Demand.REQUIRED
    assert loaded.load("portal-receipt", waits=True).revocation.demand is Demand.REQUIRED


def test_each_use_has_its_own_roots(roots):
    government, public = (load_policy([one]).trust_anchors for one in roots)
    loaded = policies(
        {
            "agency-document": PolicySettings(roots=(roots[0],)),
            "portal-receipt": PolicySettings(roots=(roots[1],)),
        }
    )

    assert loaded.load("agency-document").trust_anchors == government
    assert loaded.load("portal-receipt").trust_anchors == public
    assert loaded.load("agency-document", roots=[roots[1]]).trust_anchors == public
    target = policies(
        {"portal-receipt": PolicySettings(roots=(roots[1],))}, receipt_trust=[roots[0]]
    )
    assert target.load("portal-receipt").trust_anchors == government


def test_settings_become_a_policy(roots, settings_of):
    text = f"""
        [policies.agency-document]
        roots = ["{roots[0]}"]
        algorithms = ["rsa-pss-sha512", "ecdsa-sha384"]
        forms = ["enveloped"]
        min_rsa_bits = 3072
        max_bytes = 100000
        agency_attribute = "2.5.4.5"
        needs_agency_code = true
    """

    policy = policies(settings_of(text).policies).load("agency-document")

    assert policy == replace(
        load_policy(roots[:1]),
        algorithms=frozenset({Algorithm.RSA_PSS_SHA512, Algorithm.ECDSA_SHA384}),
        forms=frozenset({Form.ENVELOPED}),
        min_rsa_bits=3072,
        max_bytes=100_000,
        agency_attribute="2.5.4.5",
        needs_agency_code=True,
    )


def test_the_environment_names_a_policy_without_its_hyphen(settings_of, monkeypatch):
    monkeypatch.setenv("LIENTHONG_POLICIES__AGENCY_DOCUMENT__MIN_RSA_BITS", "4096")

    found = settings_of("[policies.agency-document]\nneeds_agency_code = true\n").policies

    assert found["agency-document"].min_rsa_bits == 4096
    assert found["agency-document"].needs_agency_code


@pytest.mark.parametrize("name", ["agency-document", "portal-receipt"])
def test_no_setting_lets_what_is_broken_in_except_for_old_documents(settings_of, name):
    text = f'[policies.{name}]\nalgorithms = ["rsa-sha1"]\n'

    with pytest.raises(ConfigError) as refused:
        settings_of(text)

    said = refused.value.problems[0].message.en
    assert "rsa-sha1 is for edxml-legacy only" in said
    old = settings_of(text.replace(name, "edxml-legacy")).policies
    assert policies(old).load("edxml-legacy").legacy == {LegacyAlgorithm.RSA_SHA1}
    assert policies(old).load("edxml-legacy").algorithms == frozenset()


@pytest.mark.parametrize(
    "line",
    [
        'algorithms = ["rsa-md5"]',
        "algorithms = []",
        'forms = ["enveloping"]',
        "forms = []",
        "min_rsa_bits = 2047",
        "max_bytes = 1",
        'agency_attribute = "ma don vi"',
        'root = "x.pem"',
    ],
)
def test_a_wrong_setting_is_told_at_its_line(settings_of, line):
    with pytest.raises(ConfigError) as refused:
        settings_of(f"[policies.edxml-legacy]\n{line}\n")

    assert refused.value.problems[0].place.line == 2


def test_a_policy_that_is_none_is_refused(settings_of):
    with pytest.raises(ConfigError):
        settings_of("[policies.everything]\nmin_rsa_bits = 4096\n")


def test_roots_that_cannot_be_read_are_told_before_anything_is_judged(tmp_path):
    loaded = policies({"agency-document": PolicySettings(roots=(tmp_path / "absent.pem",))})

    with pytest.raises(TrustUnusable) as refused:
        loaded.load("agency-document")

    assert refused.value.code == "trust.missing"


def test_settings_know_every_method_and_every_form():
    assert set(get_args(StrongName)) == {setting_name(one) for one in Algorithm}
    assert set(get_args(LegacyName)) == {setting_name(one) for one in LegacyAlgorithm}
    assert set(get_args(FormName)) == {one.value for one in Form}


def test_every_use_has_a_policy(roots):
    loaded = policies({}, load_policy(roots[:1]), receipt_trust=roots[1:])

    assert [len(loaded.load(name).trust_anchors) for name in NAMES] == [1, 1, 1]
