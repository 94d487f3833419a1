"""What is set of peers: mistakes told before the first message, secrets never shown."""

import json
import re
from pathlib import Path

import pytest

from lienthong.cli import main
from lienthong.inbound import profile
from lienthong.settings import load_settings
from schemas.errors import ConfigError

GOOD = """\
[peers.tax]
[peers.tax.json]
security_key = "bi-mat-cua-thue-2026"
[peers.tax.services.ChungTuThue]
[peers.tax.routes]
otherwise = "land-registration"
"""


@pytest.fixture
def load(tmp_path):
    def load_(text):
        file = tmp_path / "lienthong.toml"
        file.write_text(text, encoding="utf-8")
        return load_settings(file=file)

    return load_


@pytest.fixture
def command(tmp_path, capfd):
    """Run a command on settings, and return its exit code and output."""

    def command_(text, *args):
        file = tmp_path / "lienthong.toml"
        file.write_text(text, encoding="utf-8")
        options = ["--lang", "en", "--settings", str(file), "--data-dir", str(tmp_path / "d")]
        with pytest.raises(SystemExit) as ended:
            main([*options, *args])
        return ended.value.code, capfd.readouterr().out

    return command_


def test_a_peer_is_not_named_as_a_profile_of_sharing_is(load):
    shared = """
[sharing.tax]
from = "land-registration"
to = "tax-office"
procedures = ["*"]
fields = ["MaTTHC"]
purpose = "thuế"
legal_basis = "Nghị định 47/2020/NĐ-CP"
until = 2027-12-31
"""
    with pytest.raises(ConfigError) as caught:
        load(GOOD + shared)
    assert "same name: tax" in str(caught.value.problems)


def test_a_peer_needs_little(load):
    peer = load(GOOD).peers["tax"]

    assert peer.json_.security_key_name == "SecurityKey"
    assert (peer.answers.success_code, peer.answers.refused_code) == ("0", "-1")
    assert peer.schema_versions == ("dvcqg-2020", "dvcqg-2022")


def test_secrets_come_from_the_environment_and_are_not_shown(load, monkeypatch):
    monkeypatch.setenv("LIENTHONG_PEERS__TAX__JSON__SECURITY_KEY", "khac-han-khoa-cu")

    settings = load(GOOD)

    secret = settings.peers["tax"].json_.security_key
    assert secret.get_secret_value() == "khac-han-khoa-cu"
    assert "khac-han" not in repr(settings) + json.dumps(settings.model_dump(mode="json"))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('security_key = "bi-mat-cua-thue-2026"', "", "proves itself by nothing"),
        ("bi-mat-cua-thue-2026", "ngan", "at least 8 characters"),
        ('otherwise = "land-registration"', "", "no message would reach anybody"),
        ("[peers.tax.services.ChungTuThue]", "", "services"),
        ("[peers.tax.json]", "[peers.tax.jason]", "did you mean 'json'"),
        ("security_key =", "secret_key =", "did you mean 'security_key'"),
        ("[peers.tax]", "[peers.tax]\nschema_versions = ['x']", "unknown schema_versions: x"),
        ("[peers.tax]", "[peers.tax]\nmax_message_bytes = 2000000000", "67108864"),
        ("[peers.tax]", "[peers.tax.soap]", "proves itself by nothing"),
        ("[peers.tax]", '[peers.tax.soap]\nusername = "a"\n', "belong together"),
        ("[peers.tax]", "[peers.tax.answers]\nrefused_code = '0'", "must differ"),
        (
            "[peers.tax]",
            "[peers.tax.answers]\nnumbers = true\nsuccess_code = 'ok'",
            "whole numbers",
        ),
        ("[peers.tax]", "[peers.Tax]", "peers"),
        ("services.ChungTuThue", "services.'Chứng từ'", "services"),
    ],
)
def test_a_mistake_is_told_with_its_place(load, old, new, words):
    with pytest.raises(ConfigError) as caught:
        load(GOOD.replace(old, new))

    told = [*caught.value.problems]
    assert any(
        words in f"{one.message.en} {one.suggestion and one.suggestion.en}" for one in told
    ), told
    assert all(one.place.file for one in told)


def test_what_is_weak_or_leads_nowhere_is_found_before_the_first_message(command):
    text = GOOD.replace("land-registration", "nobody") + (
        '[peers.portal]\n[peers.portal.soap]\ntrust = ["/nowhere.pem"]\n'
        "[peers.portal.services.DongBoHoSoMC]\n"
        '[peers.portal.routes]\notherwise = "health-department"\n'
    )

    code, out = command(text, "peers", "check", "--json")

    found = {(one["peer"], one["fault"]): one["found"]["en"] for one in json.loads(out)}
    assert code == 1
    assert found["tax", True] == "routes lead to agencies without a mapping here: nobody"
    assert found["tax", False] == (
        "json: proven by security_key alone, which whoever hears one message can imitate"
    )
    portal = [one["found"]["en"] for one in json.loads(out) if one["peer"] == "portal"]
    assert any("/nowhere.pem" in one for one in portal)
    assert "mapping health-department has no section `inbound` for DongBoHoSoMC" in portal
    without_way = "messages are taken and wait, and do not arrive"
    assert f"[receivers.health-department] is not set: {without_way}" in portal


def test_nothing_is_said_of_an_agency_whose_way_is_set(command):
    way = '[receivers.land-registration]\nfolder = "/srv/land"\n'

    assert "receivers" in command(GOOD, "peers", "check")[1]
    assert "receivers" not in command(GOOD + way, "peers", "check")[1]


@pytest.mark.parametrize(
    ("trust", "signers", "is_weak"),
    [("root", "", True), ("root", '"Development portal"', False), ("portal", "", False)],
)
def test_trust_in_an_authority_without_a_name_is_pointed_out(command, pki, trust, signers, is_weak):
    certificate = getattr(pki, trust).certificate
    text = GOOD.replace(
        "[peers.tax.json]\n",
        f'[peers.tax.soap]\ntrust = ["{certificate}"]\nsigners = [{signers}]\n[peers.tax.json]\n',
    )

    _, out = command(text, "peers", "check")

    assert ("could send in this peer's name" in " ".join(out.split())) is is_weak


def test_peers_are_listed_without_their_secrets(command):
    code, out = command(GOOD, "peers", "list", "--json")

    assert code == 0
    assert json.loads(out) == [
        {
            "peer": "tax",
            "doors": {"json": ["security_key"]},
            "services": ["ChungTuThue"],
            "agencies": ["land-registration"],
        }
    ]


def test_a_peer_that_is_not_set_is_told(command):
    assert command(GOOD, "peers", "check", "nobody")[0] == 2


def test_a_token_is_made_for_a_peer_that_is_set_and_no_other(command):
    made = command(GOOD, "doors", "token", "make", "peer:tax", "--json")
    other = command(GOOD, "doors", "token", "make", "peer:nobody")

    assert made[0] == 0
    assert json.loads(made[1])["agency"] == "peer:tax"
    assert other[0] == 2


def test_doctor_tells_of_peers(command):
    _, out = command(GOOD, "doctor", "--json")

    assert "Peer tax" in out


def test_every_setting_and_code_is_documented():
    docs = Path(__file__).parents[4] / "docs"
    page = (docs / "inbound.md").read_text(encoding="utf-8")
    source = Path(__file__).parents[4] / "lienthong" / "inbound"
    codes = {
        code
        for file in [*source.glob("*.py"), Path(source.parent / "doors" / "peers.py")]
        for code in re.findall(r'"(inbound\.[a-z_]+)"', file.read_text())
    } - {"inbound.received", "inbound.refused", "inbound.unsigned", "inbound.route_unusable"}
    tables = (
        profile.PeerAnswers,
        profile.PeerJson,
        profile.PeerRoutes,
        profile.PeerService,
        profile.PeerSoap,
    )
    for table in tables:
        assert [name for name in table.model_fields if f"`{name}`" not in page] == []
    errors = (docs / "errors.md").read_text(encoding="utf-8")
    assert [
        code for code in sorted(codes) if code not in errors and "inbound.field_" not in code
    ] == []
