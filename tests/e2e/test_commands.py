"""Every command as an operator uses it: exit codes, words, JSON, and what stays behind."""

import json
import re
import shlex
import shutil
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import typer
import urllib3

import mappings
from lienthong.cli.app import ALONE, WITH_VALUE, app, branch_of
from lienthong.cli.vietnamese import untranslated
from lienthong.samples import generate_large_csv
from lienthong.testing.authority import Authority, Mood, served
from lienthong.testing.responder import Responder
from signing import (
    SigningKey,
    Withdrawn,
    XadesSigner,
    load_development_authority,
    load_pem,
    make_development_pki,
)

LAND = ("--agency", "land-registration")
SIGNATURE = re.compile(rb"<ds:Signature .*</ds:Signature>", re.DOTALL)
COMMAND = typer.main.get_command(app)


def leaves(command, path=()):
    for name, child in getattr(command, "commands", {}).items():
        if hasattr(child, "commands"):
            yield from leaves(child, (*path, name))
        else:
            yield (*path, name), child


COMMANDS = [path for path, _ in leaves(COMMAND)]


# Help


def test_everything_is_said_in_vietnamese_too():
    assert untranslated(COMMAND) == []


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("lang", ["en", "vi"])
def test_the_help_of_every_command_shows_an_example_that_it_would_take(quick, path, lang):
    result = quick(*path, "--help", lang=lang)

    assert result.code == 0
    label = "Ví dụ: " if lang == "vi" else "Example: "
    text = re.search(rf"^ {label}(.+?)\n\s*\n", result.out, re.DOTALL | re.MULTILINE)
    # What stands after > is for the shell.
    words = shlex.split(" ".join(text[1].split()).partition(" > ")[0])
    assert words[: len(path) + 1] == ["lienthong", *path]
    command = COMMAND
    for name in path:
        command = command.commands[name]
    # Raises a usage error when the example is not one.
    command.make_context(" ".join(path), words[len(path) + 1 :])


def test_help_without_words_names_the_commands_and_the_exit_codes(quick):
    result = quick("--help")

    assert all(name in result.out for name in ("convert", "submit", "verify", "doctor", "mapping"))
    assert "Exit codes" in result.out


def test_only_the_command_that_is_asked_for_is_built():
    assert [name for option in COMMAND.params for name in option.opts] == [*WITH_VALUE, *ALONE]

    for name in COMMAND.commands:
        words = ("--settings", "audit", "--data-dir=keys", "-v", name, "demo")
        assert list(typer.main.get_command(branch_of(words)).commands) == [name]

    for words in ((), ("--help",), ("-vh",), ("nothing",), ("--data-dir", "audit")):
        assert typer.main.get_command(branch_of(words)).commands.keys() == COMMAND.commands.keys()


def test_a_mistyped_command_is_told_which_was_meant(quick):
    assert "Did you mean 'messages'?" in " ".join(quick("mesages", "list").err.split())


@pytest.mark.parametrize(
    "words",
    [
        ("nothing",),
        ("convert",),
        ("convert", "x.csv"),
        ("messages", "list", "--state", "nonsense"),
        ("messages", "resend", "0193"),
        ("run", "--roles", "nonsense"),
        ("run", "--roles", ","),
        ("sandbox", "portal", "--look-up-shows", "nonsense"),
        ("sandbox", "portal", "--needs-login", "a-name-only"),
        ("sandbox", "samples", "x", "--dossiers", "0"),
    ],
)
def test_wrong_usage_ends_in_exit_code_2(quick, words):
    result = quick(*words)

    assert result.code == 2
    assert "lienthong" in result.err
    assert "Traceback" not in result.err


# Settings


def test_every_wrong_setting_is_told_with_its_line_and_the_key_that_was_meant(quick, tmp_path):
    (tmp_path / "lienthong.toml").write_text(
        'datadir = "x"\n[delivery]\nslots = 0\nbackoff_first = 3\n[target]\nendpoint = "portal"\n'
    )

    english, vietnamese = quick("status"), quick("status", lang="vi")

    assert english.code == vietnamese.code == 2
    for line, key in ((1, "datadir"), (3, "delivery.slots"), (4, "delivery.backoff_first")):
        assert f"lienthong.toml, line {line}, {key}" in english.err
    assert "target.endpoint" in english.err
    assert "did you mean 'data_dir'?" in english.err
    assert "did you mean 'backoff_first_seconds'?" in english.err
    assert "Cấu hình «datadir»: không có khóa này" in vietnamese.err


@pytest.mark.parametrize(
    ("text", "code"),
    [("data_dir = ", "settings.syntax"), ("\udcff", "settings.unreadable")],
)
def test_a_settings_file_that_cannot_be_read_is_told(quick, tmp_path, text, code):
    (tmp_path / "s.toml").write_bytes(text.encode(errors="surrogateescape"))

    assert code in quick("--settings", "s.toml", "status").err
    assert quick("--settings", "s.toml", "status").code == 2


def test_a_settings_file_that_is_not_there_is_told(quick):
    result = quick("--settings", "nowhere.toml", "status")

    assert result.code == 2
    assert "nowhere.toml" in result.err


TARGETS = {
    "no trust": ("", "target.receipt_trust"),
    "trust that is not there": ('receipt_trust = ["nowhere.pem"]', ""),
    "no client key": ('receipts = "none"\nclient_certificate = "nowhere.pem"', ""),
}


@pytest.mark.parametrize("wrong", list(TARGETS))
def test_workers_say_at_once_what_is_wrong_with_the_portal_s_settings(quick, tmp_path, wrong):
    lines, code = TARGETS[wrong]
    settings = tmp_path / "lienthong.toml"
    settings.write_text(f'[target]\nendpoint = "https://127.0.0.1:9/portal"\n{lines}\n')

    result = quick("--settings", settings, "run", "--until-idle")

    assert result.code == 2
    assert code in result.err
    assert "Traceback" not in result.err


def test_running_without_a_portal_says_how_to_name_one(quick):
    result = quick("run")

    assert result.code == 2
    assert "LIENTHONG_TARGET__ENDPOINT" in result.err


# Documents: validate, sign, verify


@pytest.fixture
def document(quick, tmp_path):
    """One signed document."""
    generate_large_csv(tmp_path / "one.csv", size_bytes=600)
    assert quick("convert", "one.csv", *LAND, "--out", "xml").code == 0
    return min((tmp_path / "xml").iterdir())


@pytest.fixture
def unsigned(document, tmp_path):
    path = tmp_path / "unsigned.xml"
    path.write_bytes(SIGNATURE.sub(b"", document.read_bytes()))
    return path


def test_a_good_document_is_valid_and_verifies(quick, document):
    assert quick("validate", document).code == 0
    assert quick("validate", document, "--json").json["errors"] == []
    assert quick("verify", document).code == 0


def test_verify_explains_step_by_step_what_it_checked(quick, document):
    good = quick("verify", document, "--explain", "--json")
    assert good.code == 0
    results = {step["step"]: step["result"] for step in good.json["steps"]}
    # A development certificate names no list: that is said, and does not count against it.
    assert results.pop("revocation") == "noted"
    assert results.pop("time_stamp") == "skipped"
    assert results.pop("values") == "skipped"
    assert set(results.values()) == {"passed"}
    assert len(results) == 11

    document.write_bytes(document.read_bytes().replace(b"<MaDonVi>", b"<MaDonVi>9", 1))
    bad = quick("verify", document, "--explain", lang="vi")
    assert bad.code == 1
    assert "Giá trị băm: KHÔNG ĐẠT" in bad.out
    assert "nội dung đã bị thay đổi sau khi ký" in bad.out
    assert "Chuỗi chứng thư: đạt" in bad.out


def test_verify_asks_the_authority_and_refuses_who_was_revoked(quick, document, keys, monkeypatch):
    now = datetime.now(UTC)
    with Responder(load_development_authority(keys)) as responder:
        monkeypatch.setenv("LIENTHONG_REVOCATION__DEMAND", "required")
        monkeypatch.setenv("LIENTHONG_REVOCATION__LISTS", json.dumps([responder.list_url]))
        good = quick("verify", document, "--explain")
        assert good.code == 0
        assert f"not revoked, says CRL {responder.list_url}" in good.out

        serial = int(quick("verify", document, "--json").json["signer"]["serial"], 16)
        responder.withdrawn.append(Withdrawn(serial=serial, at=now - timedelta(days=2)))
        held = quick("verify", document)
        assert held.code == 0, "what was fetched a moment ago still counts"
        shutil.rmtree("lienthong-data/revocation")
        bad = quick("verify", document, "--explain", lang="vi")
        assert bad.code == 1
        assert "Thu hồi: KHÔNG ĐẠT" in bad.out
        assert f"đã bị thu hồi ngày {now - timedelta(days=2):%Y-%m-%d}, trước khi ký" in bad.out


def test_validate_explains_every_fault_at_its_line(quick, unsigned):
    text = unsigned.read_text(encoding="utf-8")
    text = re.sub(r"<TrangThaiHoSo>\d+<", "<TrangThaiHoSo>99<", text)
    text = re.sub(r"<NgayTiepNhan>[^<]*<", "<NgayTiepNhan>hôm qua<", text)
    unsigned.write_text(text, encoding="utf-8")

    result = quick("validate", unsigned, "--json")

    assert result.code == 1
    assert not result.json["valid"]
    paths = [error["source"]["path"] for error in result.json["errors"]]
    assert len(paths) == 2
    assert any("TrangThaiHoSo" in path for path in paths)
    assert any("NgayTiepNhan" in path for path in paths)


def test_what_is_signed_verifies_and_is_not_signed_twice(quick, unsigned):
    signed = quick("sign", unsigned, *LAND, "--out", "signed.xml")

    assert signed.code == 0
    assert quick("verify", "signed.xml").code == 0
    again = quick("sign", "signed.xml", *LAND, "--out", "twice.xml")
    assert again.code == 1
    assert "document.signed_already" in again.err
    assert not Path("twice.xml").exists()


@pytest.fixture
def authority(keys, monkeypatch):
    """A time-stamp authority that the settings name."""
    key = load_pem(keys / "timestamps.key.pem", keys / "timestamps.cert.pem", passphrase=None)
    authority = Authority(key=key, clock=lambda: datetime.now(UTC))
    with served(authority) as url:
        monkeypatch.setenv("LIENTHONG_AUDIT__TIMESTAMP_URL", url)
        yield authority


def test_a_document_gets_a_time_stamp_when_it_is_signed_or_later(quick, unsigned, authority):
    assert quick("sign", unsigned, *LAND, "--level", "t", "--out", "t.xml").code == 0
    assert quick("sign", unsigned, *LAND, "--out", "b.xml").code == 0
    assert quick("stamp", "b.xml", "--out", "later.xml").code == 0

    for name in ("t.xml", "later.xml"):
        found = quick("verify", name, "--json")
        assert found.code == 0
        # Nobody publishes lists about development certificates, which is said and no more.
        assert {one["code"] for one in found.json["notices"]} == {
            "revocation.missing",
            "timestamp.authority_unchecked",
        }
        assert found.json["timestamp"]["authority"] == "Development time-stamps"
        assert "Development time-stamps" in quick("verify", name, "--explain").out
    assert quick("verify", "b.xml", "--json").json["timestamp"] is None
    again = quick("stamp", "t.xml", "--out", "again.xml")
    assert (again.code, "document.stamped_already" in again.err) == (2, True)


def test_a_document_encloses_what_proves_it_when_it_is_signed_or_later(
    quick, keys, unsigned, authority, tmp_path, monkeypatch
):
    monkeypatch.setenv("LIENTHONG_REVOCATION__DEMAND", "off")
    off = quick("sign", unsigned, *LAND, "--level", "lt", "--out", "off.xml")
    assert (off.code, "revocation.off" in off.err) == (2, True)
    monkeypatch.delenv("LIENTHONG_REVOCATION__DEMAND")
    lists = tmp_path / "crl"
    lists.mkdir()
    monkeypatch.setenv("LIENTHONG_REVOCATION__FETCH", "false")
    monkeypatch.setenv("LIENTHONG_REVOCATION__FOLDER", str(lists))
    lacking = quick("sign", unsigned, *LAND, "--level", "lt", "--out", "lacking.xml")
    assert (lacking.code, "document.evidence_lacking" in lacking.err) == (2, True)
    assert not Path("lacking.xml").exists()

    made_at = datetime.now(UTC) - timedelta(hours=1)
    (lists / "root.crl").write_bytes(load_development_authority(keys).make_list(now=made_at))
    assert quick("sign", unsigned, *LAND, "--level", "lt", "--out", "lt.xml").code == 0
    assert quick("sign", unsigned, *LAND, "--level", "t", "--out", "t.xml").code == 0
    asked = authority.asked
    assert quick("stamp", "t.xml", "--level", "lt", "--out", "t-lt.xml").code == 0
    assert authority.asked == asked
    assert quick("sign", unsigned, *LAND, "--out", "b.xml").code == 0
    assert quick("stamp", "b.xml", "--level", "lt", "--out", "b-lt.xml").code == 0

    again = quick("stamp", "lt.xml", "--level", "lt", "--out", "again.xml")
    assert (again.code, "document.values_already" in again.err) == (2, True)
    (lists / "root.crl").unlink()
    monkeypatch.setenv("LIENTHONG_REVOCATION__DEMAND", "required")
    assert quick("verify", "t.xml").code == 1
    for name in ("lt.xml", "t-lt.xml", "b-lt.xml"):
        found = quick("verify", name, "--explain")
        assert found.code == 0
        assert "Enclosed validation data: passed" in found.out
        assert "says CRL EncapsulatedCRLValue 1" in found.out


def test_a_document_without_a_signature_or_an_authority_that_is_away_is_told(
    quick, unsigned, document, authority
):
    assert "document.not_signed" in quick("stamp", unsigned, "--out", "x.xml").err
    authority.mood = Mood.BROKEN
    away = quick("stamp", document, "--out", "x.xml")
    assert (away.code, "timestamp.away" in away.err) == (3, True)
    authority.mood = Mood.OTHER_DATA
    assert "timestamp.other_data" in quick("stamp", document, "--out", "x.xml").err
    assert not Path("x.xml").exists()


def test_a_signed_document_goes_to_standard_output_alone(keyed, unsigned):
    result = keyed("sign", "-", *LAND, stdin=unsigned.read_bytes())

    assert result.code == 0
    (keyed.folder / "out.xml").write_text(result.out, encoding="utf-8")
    assert keyed("verify", "out.xml").code == 0


def test_nobody_signs_for_another_agency(quick, unsigned):
    result = quick("sign", unsigned, "--agency", "health-department", "--out", "signed.xml")

    assert result.code == 1
    assert "document.other_agency" in result.err
    assert not Path("signed.xml").exists()


@pytest.mark.parametrize("digest", ["sha256", "sha384", "sha512"])
def test_a_document_is_signed_with_the_hash_that_was_asked_for(quick, unsigned, digest):
    assert quick("sign", unsigned, *LAND, "--hash", digest, "--out", "s.xml").code == 0

    text = Path("s.xml").read_text(encoding="utf-8")
    assert re.findall(r"SignatureMethod Algorithm=\S*-(\w+)\"", text) == [digest]
    assert quick("verify", "s.xml").code == 0


def test_a_hash_that_is_broken_cannot_be_asked_for(quick, unsigned):
    assert quick("sign", unsigned, *LAND, "--hash", "sha1", "--out", "s.xml").code == 2


def test_a_file_of_any_type_is_signed_beside_it(quick, unsigned, tmp_path):
    (tmp_path / "giấy phép.pdf").write_bytes(b"%PDF-1.7 \x00")
    words = ("sign", "giấy phép.pdf", *LAND, "--form", "detached", "--out", "gp.sig")
    assert quick(*words).code == 0

    good = quick("verify", "gp.sig", "--content", "giấy phép.pdf", "--json")

    assert good.code == 0
    assert good.json["signed"] == "gi%E1%BA%A5y%20ph%C3%A9p.pdf"
    assert good.json["valid"] is None
    assert quick("verify", "gp.sig", "--content", "giấy phép.pdf").code == 0

    (tmp_path / "khác.pdf").write_bytes(b"%PDF-1.7 \x00")
    renamed = quick("verify", "gp.sig", "--content", "khác.pdf", "--json")
    assert reasons_of(renamed) == {"signature.not_covering"}
    named = quick("verify", "gp.sig", "--content", "khác.pdf", "--name", good.json["signed"])
    assert named.code == 0
    (tmp_path / "khác.pdf").write_bytes(b"%PDF-1.7 \x01")
    changed = quick(
        "verify", "gp.sig", "--content", "khác.pdf", "--name", good.json["signed"], "--json"
    )
    assert reasons_of(changed) == {"signature.digest_differs"}
    assert changed.json["signed"] is None


def test_what_comes_from_standard_input_needs_a_name_beside_it(quick, unsigned):
    words = ("sign", "-", *LAND, "--form", "detached", "--out", "x.sig")

    refused = quick(*words, stdin=b"x")

    assert refused.code == 2
    assert "--name" in refused.err
    assert quick(*words, "--name", "x.bin", stdin=b"x").code == 0


def test_a_plain_signature_is_judged_at_the_time_that_is_given(quick, unsigned):
    assert quick("sign", unsigned, *LAND, "--form", "plain", "--out", "p.xml").code == 0

    assert quick("verify", "p.xml", "--form", "plain").code == 0
    early = quick("verify", "p.xml", "--form", "plain", "--at", "2020-01-01", "--json")
    assert "certificate.not_yet_valid_when_signed" in reasons_of(early)
    assert reasons_of(quick("verify", "p.xml", "--json")) == {"signature.structure"}


def test_a_policy_is_chosen_by_what_the_document_is(quick, document, unsigned):
    assert quick("sign", unsigned, *LAND, "--form", "plain", "--out", "p.xml").code == 0

    assert quick("verify", "p.xml", "--policy", "edxml-legacy").code == 0
    other = quick("verify", document, "--policy", "edxml-legacy", "--form", "enveloped", "--json")
    assert reasons_of(other) == {"signature.form_forbidden"}
    assert quick("verify", document, "--policy", "portal-receipt").code == 2
    assert quick("verify", document, "--policy", "nonsense").code == 2


def reasons_of(result):
    return {reason["code"] for reason in result.json["reasons"]}


def test_a_changed_letter_is_noticed(quick, document, tmp_path):
    text = document.read_text(encoding="utf-8")
    changed = re.sub(r"<ChuHoSo>[^<]*<", "<ChuHoSo>Trần Thị Khác<", text)
    (tmp_path / "changed.xml").write_text(changed, encoding="utf-8")

    result = quick("verify", "changed.xml", "--json")

    assert result.code == 1
    assert not result.json["intact"]
    assert result.json["signed"] is None
    assert "signature.digest_differs" in reasons_of(result)


def test_a_foreign_root_is_not_trusted(quick, document, tmp_path):
    foreign = make_development_pki(tmp_path / "other", agencies={}, now=datetime.now(UTC))

    result = quick("verify", document, "--trust", foreign.root.certificate, "--json")

    assert result.code == 1
    assert (result.json["intact"], result.json["trusted"]) == (True, False)
    assert reasons_of(result) == {"certificate.untrusted"}


def test_a_certificate_that_had_expired_when_it_signed_is_told(
    quick, unsigned, tmp_path, monkeypatch
):
    pki = make_development_pki(
        tmp_path / "old",
        agencies={"land-registration": ("000.15.29.H29", "Văn phòng Đăng ký đất đai")},
        now=datetime(2020, 1, 1, tzinfo=UTC),
        days=365,
        kind="ec",
    )
    files = pki.agencies["land-registration"]
    monkeypatch.setattr(SigningKey, "check_usable_at", lambda *_: None)
    signer = XadesSigner(load_pem(files.key, files.certificate, passphrase=None))
    signed = signer.sign(unsigned.read_bytes(), signed_at=datetime(2022, 1, 1, tzinfo=UTC))
    (tmp_path / "late.xml").write_bytes(signed)

    result = quick("verify", "late.xml", "--trust", pki.root.certificate, "--json", lang="vi")

    assert result.code == 1
    assert reasons_of(result) == {"certificate.expired_when_signed"}
    assert "hết hạn" in result.json["reasons"][0]["message"]


def test_an_unsigned_document_is_told(quick, unsigned):
    result = quick("verify", unsigned, "--json")

    assert result.code == 1
    assert reasons_of(result) == {"signature.missing"}
    assert result.json["valid"]


@pytest.mark.parametrize("command", ["verify", "validate", "sign"])
@pytest.mark.parametrize("data", [b"", b"not xml", b"<a>", b"\xff\xfe", b"<a/>"])
def test_what_is_no_document_is_told(quick, tmp_path, command, data):
    (tmp_path / "x.xml").write_bytes(data)

    result = quick(command, "x.xml", *(LAND if command == "sign" else ()))

    assert result.code == 1
    assert "Traceback" not in result.err


def test_a_huge_document_is_refused_unread(keyed):
    with (keyed.folder / "huge.xml").open("wb") as file:
        file.truncate(2 * 1024**3)

    for words in (("verify", "huge.xml"), ("validate", "huge.xml"), ("sign", "huge.xml", *LAND)):
        result, peak = keyed.measured(*words)

        assert result.code == 1
        assert "document.too_large" in result.err
        assert peak < 300 * 1024**2


def test_a_root_that_is_no_certificate_is_told(quick, document, tmp_path):
    (tmp_path / "root.pem").write_text("nothing")

    for root in ("root.pem", "nowhere.pem"):
        result = quick("verify", document, "--trust", root)

        assert result.code == 2
        assert root in result.err


# Mappings

AGENCIES = [
    "business-registration",
    "criminal-record",
    "district-portalqh",
    "health-department",
    "igate-one-stop",
    "land-registration",
    "lgsp-documents",
    "ministry-profile",
    "opencps-one-stop",
    "provincial-portal-td",
    "school-enrolment",
    "social-insurance",
    "transport",
    "ward-civil-status",
]
BROKEN = """\
mapping: phuong-thu
version: one
schema: dvcqg-2020
agency: {code: "000.00.01.H29", name: "Phường Thử"}
source:
  format: csv
  delimeter: ";"
event_key: "{Ma}"
dossier:
  MaHoSo: Ma
  TrangThaiHoS: {constant: "1"}
  NgayTiepNhan: {from: Ngay, date: ["dd/mm/yyyy"]}
"""


def test_every_mistake_of_a_mapping_is_told_with_its_line(quick, tmp_path):
    (tmp_path / "phuong.yaml").write_text(BROKEN, encoding="utf-8")

    result = quick("mapping", "check", "phuong.yaml", "--json")
    shown = quick("mapping", "check", "phuong.yaml", lang="vi")

    assert result.code == shown.code == 2
    [file] = result.json
    lines = {problem["source"]["line"] for problem in file["problems"]}
    assert {2, 7, 11, 12} <= lines
    assert "delimiter" in result.out
    assert "phuong.yaml, dòng 7" in shown.out


def test_the_packaged_mappings_are_correct_and_pass_their_tests(quick):
    assert quick("mapping", "check").code == 0
    tested = quick("mapping", "test", "--json")
    assert tested.code == 0
    assert all(test["passed"] for file in tested.json for test in file["tests"])
    assert sum(len(file["tests"]) for file in tested.json) >= 6
    assert [entry["name"] for entry in quick("mapping", "list", "--json").json] == AGENCIES
    assert "Văn phòng Đăng ký đất đai" in quick("mapping", "list").out


def test_a_carried_test_that_fails_is_shown_with_what_was_expected(quick, tmp_path, monkeypatch):
    packaged = Path(mappings.__file__).parent / "agencies" / "land-registration.yaml"
    text = packaged.read_text(encoding="utf-8")
    head, tests = text.split("\ntests:", 1)
    # Of what a record becomes; those before are of messages to the agency.
    spoilt = re.sub(r'TrangThaiHoSo: "10"', 'TrangThaiHoSo: "8"', tests, count=1)
    assert spoilt != tests
    (tmp_path / "land.yaml").write_text(head + "\ntests:" + spoilt, encoding="utf-8")

    result = quick("mapping", "test", "land.yaml")

    assert result.code == 1
    assert "✗ land.yaml:" in result.out
    assert "TrangThaiHoSo" in result.out


def test_coverage_is_a_table_a_page_and_data(quick, tmp_path):
    shown = quick("mapping", "coverage", "land-registration", lang="vi")
    assert shown.code == 0
    assert "MaHoSo" in shown.out
    assert "bắt buộc 10/10" in shown.out

    data = quick("mapping", "coverage", "--json", "--html", "out/phu.html")
    assert data.code == 0
    assert [agency["mandatory"] for agency in data.json["agencies"]] == [
        {"filled": 10, "of": 10}
    ] * len(AGENCIES)
    by_field = {(row["packet"], row["field"]): row for row in data.json["fields"]}
    land = by_field["DongBoHoSoMC", "TenLinhVuc"]
    assert (land["mandatory"], land["agencies"]["land-registration"]) == ("always", "constant")
    assert "<h1>" in (tmp_path / "out" / "phu.html").read_text(encoding="utf-8")


def test_the_schema_for_editors_is_printed_or_written(quick, tmp_path):
    printed = quick("mapping", "schema")
    written = quick("mapping", "schema", "--out", "mapping.schema.json")

    assert (printed.code, written.code) == (0, 0)
    assert printed.json["properties"]["dossier"]
    text = (tmp_path / "mapping.schema.json").read_text(encoding="utf-8")
    assert json.loads(text) == printed.json


def test_two_files_of_a_folder_that_claim_one_source_are_told(quick, tmp_path):
    packaged = Path(mappings.__file__).parent / "agencies" / "land-registration.yaml"
    text = packaged.read_text(encoding="utf-8")
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "a.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "own" / "b.yaml").write_text(
        text.replace("mapping: land-registration", "mapping: dat-dai"), encoding="utf-8"
    )

    result = quick("mapping", "check", "own")

    assert result.code == 2
    assert "agency.source_claimed" in result.out
    assert "own/a.yaml" in result.out
    assert "own/b.yaml" in result.out


@pytest.mark.parametrize("verb", ["check", "test", "coverage"])
@pytest.mark.parametrize("which", ["nowhere.yaml", "nobody"])
def test_a_mapping_that_is_not_there_is_told(quick, verb, which):
    result = quick("mapping", verb, which)

    assert result.code == 2
    assert which in result.err + result.out


def test_a_site_s_own_agency_is_converted_by_name(quick, tmp_path, monkeypatch, keys):
    packaged = Path(mappings.__file__).parent / "agencies" / "land-registration.yaml"
    (tmp_path / "agencies").mkdir()
    text = packaged.read_text(encoding="utf-8")
    own = text.replace("mapping: land-registration", "mapping: dat-dai-moi", 1)
    (tmp_path / "agencies" / "x.yaml").write_text(own, encoding="utf-8")
    monkeypatch.setenv("LIENTHONG_MAPPINGS_DIR", "agencies")
    monkeypatch.delenv("LIENTHONG_KEYS_DIR")
    generate_large_csv(tmp_path / "one.csv", size_bytes=600)

    result = quick("convert", "one.csv", "-a", "dat-dai-moi", "--json")

    assert result.code == 0
    assert result.json["mapping"]["name"] == "dat-dai-moi"


# Keys, samples, doctor


def test_keys_are_made_once_and_never_written_over(quick, tmp_path, monkeypatch):
    assert quick("keys", "make", "--out", "made").code == 0
    before = {p: p.read_bytes() for p in Path("made").rglob("*.pem")}

    assert quick("keys", "make", "--out", "made").code == 0

    assert {p: p.read_bytes() for p in Path("made").rglob("*.pem")} == before
    made = {p.name for p in Path("made/agencies").glob("*.cert.pem")}
    assert made == {f"{name}.cert.pem" for name in AGENCIES}
    assert all(p.stat().st_mode & 0o077 == 0 for p in Path("made").rglob("*.key.pem"))


def test_samples_are_the_same_for_the_same_seed(quick):
    assert quick("sandbox", "samples", "one", "--dossiers", "3").code == 0
    assert quick("sandbox", "samples", "two", "--dossiers", "3").code == 0

    one = {path.name: path.read_bytes() for path in Path("one").iterdir()}
    assert one == {path.name: path.read_bytes() for path in Path("two").iterdir()}
    assert len(one) == 6


def states_of(result):
    return {line["check"]: line["state"] for line in result.json}


def test_doctor_finds_a_good_installation_good(quick):
    result = quick("doctor", "--json")

    assert result.code == 0
    assert set(states_of(result).values()) <= {"ok", "warning"}
    assert states_of(result)["Signing keys"] == "ok"


def test_doctor_finds_a_key_that_is_gone(quick, keys, tmp_path, monkeypatch):
    shutil.copytree(keys, tmp_path / "keys")
    (tmp_path / "keys" / "agencies" / "igate-one-stop.cert.pem").unlink()
    monkeypatch.setenv("LIENTHONG_KEYS_DIR", str(tmp_path / "keys"))

    result = quick("doctor")

    assert result.code == 2
    assert "✗ Signing keys" in result.out
    assert "igate-one-stop" in result.out


def test_a_key_that_is_missing_is_told_by_name(quick, tmp_path, monkeypatch):
    monkeypatch.setenv("LIENTHONG_KEYS_DIR", str(tmp_path / "nothing"))
    generate_large_csv(tmp_path / "one.csv", size_bytes=600)

    result = quick("convert", "one.csv", *LAND, "--out", "xml")

    assert result.code == 2
    assert "land-registration.key.pem" in result.err
    assert not (tmp_path / "nothing").exists()


# The exchange


def orders(site, verb, **order):
    answer = urllib3.request("POST", f"{site.control}/{verb}", json=order or None, timeout=5)
    assert answer.status == 200


def run_until_idle(cli):
    ended = cli("run", "--until-idle")
    assert ended.code == 0, ended.err


def test_a_refused_dossier_is_parked_resent_and_delivered_and_the_audit_log_tells_it(
    site, sample_set
):
    cli, sample = site.cli, sample_set.of("land-registration")
    refused, withdrawn = sample.dossiers[0], sample.dossiers[1]
    orders(site, "misbehave", mode="reject", pattern=refused)
    orders(site, "misbehave", mode="reject", pattern=withdrawn)

    submitted = cli("submit", sample.path, *LAND, "--json")
    run_until_idle(cli)
    [status] = cli("status", "--json").json["agencies"]
    parked = cli("messages", "list", "--state", "parked", "--json").json

    assert submitted.code == 0
    assert submitted.json["bytes"] == sample.path.stat().st_size
    assert status["states"] == {"rejected": 12, "parked": 2, "delivered": 28}
    assert (status["records"], status["troubled_files"]) == (42, [])
    messages = {line["dossier"]: line["id"] for line in parked}
    assert set(messages) == {refused, withdrawn}

    shown = cli("messages", "show", messages[refused], "--json")
    assert shown.json["tries"][-1]["code"] == "8"
    assert shown.json["document_sha256"]
    words = cli("messages", "show", messages[refused], lang="vi").out
    assert refused in words
    assert "parked" in words
    assert "land-registration.csv (land-registration.csv, dòng" in words

    orders(site, "clear")
    reason = ("--reason", "portal repaired")
    assert cli("messages", "resend", messages[refused], *reason).code == 0
    assert cli("messages", "discard", messages[withdrawn], "-r", "withdrawn").code == 0
    twice = cli("messages", "resend", messages[withdrawn], *reason)
    assert twice.code == 1
    assert "message.wrong_state" in twice.err
    run_until_idle(cli)

    after = cli("messages", "show", messages[refused], "--json").json
    assert after["state"] == "delivered"
    assert after["document_sha256"] == shown.json["document_sha256"]
    assert after["receipt"]
    assert [step["action"] for step in after["history"]]
    [status] = cli("status", "--json").json["agencies"]
    assert status["states"] == {"rejected": 12, "discarded": 1, "delivered": 29}
    assert "29" in cli("status").out

    rejected = cli("messages", "list", "--state", "rejected", "--limit", "5").out
    assert "row" in rejected
    assert "mapping." in rejected

    check_sent_again(cli, sample)
    check_audit(cli)


def check_sent_again(cli, sample):
    again = cli("submit", sample.path, *LAND)
    assert again.code == 0
    run_until_idle(cli)
    [status] = cli("status", "--json").json["agencies"]
    # What was discarded comes anew; what was delivered is only counted.
    assert status["states"]["delivered"] == 30
    assert status["repeats"] >= 29


def check_audit(cli):
    good = cli("audit", "verify", "--json")
    assert good.code == 0
    assert (good.json["faults"], good.json["rows"] > 100) == ([], True)
    assert cli("doctor", "--json").code == 0
    with sqlite3.connect(cli.folder / "data" / "store.sqlite") as store:
        store.execute("UPDATE audit SET actor = 'nobody' WHERE id = 7")
    store.close()
    bad = cli("audit", "verify", "--json")
    assert bad.code == 1
    [fault] = bad.json["faults"]
    assert (fault["code"], fault["row"]) == ("row.changed", 7)
    assert cli("audit", "verify").code == 1
    doctor = cli("doctor", "--json")
    assert doctor.code == 2
    assert states_of(doctor)["Message store"] == "fault"


def test_a_file_that_is_refused_whole_is_shown_by_status(site, sample_set):
    cli = site.cli
    assert cli("submit", sample_set.of("igate-one-stop").path, *LAND).code == 0

    ended = cli("run", "--until-idle")
    [line] = cli("status", "--json").json["agencies"]
    shown = cli("status", lang="vi").out

    assert ended.code == 0
    [file] = line["troubled_files"]
    assert (file["state"], file["records"]) == ("refused", 0)
    assert file["errors"][0]["code"] == "csv.columns_missing"
    assert "không đọc được bản ghi nào" in shown
    assert "csv.columns_missing" in shown


def test_idle_is_not_reached_while_a_file_waits_in_a_folder(site, sample_set):
    inbox = site.cli.folder / "folders" / "land-registration" / "in"
    inbox.mkdir(parents=True)
    with (site.cli.folder / "lienthong.toml").open("a", encoding="utf-8") as settings:
        settings.write(f"\n[folder]\npath = {json.dumps(str(inbox.parents[1]))}\n")
    sample = sample_set.of("land-registration").path
    (inbox / "a.csv.part").write_bytes(b"unfinished")
    (inbox / sample.name).write_bytes(sample.read_bytes())

    ended = site.cli("run", "--until-idle")

    assert ended.code == 0
    assert [file.name for file in inbox.iterdir()] == ["a.csv.part"]
    [line] = site.cli("status", "--json").json["agencies"]
    assert line["records"] > 0


def test_an_unknown_message_is_told(quick):
    for words in (("show", "x"), ("resend", "x", "-r", "y"), ("discard", "x", "-r", "y")):
        result = quick("messages", *words)

        assert result.code == 1
        assert "message.not_found" in result.err


def test_an_exchange_that_cannot_be_opened_ends_in_exit_code_3(quick, tmp_path):
    data = tmp_path / "lienthong-data"
    data.mkdir()
    (data / "broker.sqlite").write_bytes(b"no database at all " * 300)
    generate_large_csv(tmp_path / "one.csv", size_bytes=600)

    result = quick("submit", "one.csv", *LAND)

    assert result.code == 3
    assert "broker.sqlite" in result.err


@pytest.mark.parametrize(
    "words", [("status",), ("messages", "list"), ("audit", "verify"), ("submit", "one.csv", *LAND)]
)
def test_a_store_that_cannot_be_opened_is_told(quick, tmp_path, words):
    data = tmp_path / "lienthong-data"
    data.mkdir()
    (data / "store.sqlite").write_bytes(b"no database at all " * 300)
    generate_large_csv(tmp_path / "one.csv", size_bytes=600)

    result = quick(*words, lang="vi")

    assert result.code == 2
    assert "Không mở được kho thông điệp" in result.err


def test_submitting_for_an_agency_nobody_configured_takes_nothing_over(quick, tmp_path):
    generate_large_csv(tmp_path / "one.csv", size_bytes=600)

    result = quick("submit", "one.csv", "-a", "land-registratio")

    assert result.code == 2
    assert "did you mean 'land-registration'?" in result.err
    assert not (tmp_path / "lienthong-data" / "store.sqlite").exists()


@pytest.mark.parametrize(
    "words",
    [
        ("status", "--json"),
        ("messages", "list", "--json"),
        ("doctor", "--json"),
        ("audit", "verify", "--json"),
        ("mapping", "list", "--json"),
        ("mapping", "check", "--json"),
        ("mapping", "test", "--json"),
        ("mapping", "coverage", "--json"),
    ],
)
@pytest.mark.parametrize("lang", ["en", "vi"])
def test_json_is_json_alone_even_on_an_empty_installation(keyed, words, lang):
    result = keyed("--verbose", *words, lang=lang)

    assert result.code == 0
    json.loads(result.out)


def test_a_port_that_is_taken_is_told(site):
    result = site.cli("sandbox", "portal", "--port", site.port)

    assert result.code == 2
    assert "sandbox.port" in result.err
