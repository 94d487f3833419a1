"""The portal changes, and an operator hears of it, finds out what it touches, and decides."""

import json

import pytest
import urllib3

from schemas.model import load_version, read_file

LEARN = "[drift]\nlearn_answers = 1\n"


@pytest.fixture
def watching(site):
    """Give a site that learns from one answer of each kind."""
    settings = site.cli.folder / "lienthong.toml"
    settings.write_text(settings.read_text().replace("[target]\n", f"{LEARN}[target]\n"))
    return site


def test_nothing_has_changed_at_first(watching):
    result = watching.cli("drift", "list")

    assert (result.code, result.out.strip()) == (0, "Nothing has changed")


def test_a_document_that_changes_is_told_accepted_and_forgotten(watching):
    cli = watching.cli
    ours = read_file(load_version("dvcqg-2020"), "dossier.xsd").decode()
    file = cli.folder / "cong.xsd"
    file.write_text(ours, encoding="utf-8")
    settings = cli.folder / "lienthong.toml"
    settings.write_text(
        settings.read_text().replace("[drift]\n", f'[drift]\ndocuments = ["{file}"]\n')
    )
    assert cli("drift", "check").code == 0
    file.write_text(
        ours.replace('name="SoBienNhan" type="VanBan" minOccurs="0"', 'name="SoBienNhan"'),
        encoding="utf-8",
    )

    checked = cli("drift", "check", "--json")

    assert checked.code == 1
    events = json.loads(checked.out)["open"]
    demanded = next(one for one in events if one["place"].endswith("required"))
    assert demanded["words"] == "element HoSo.SoBienNhan required: no → yes"
    assert {"mapping": "ward-civil-status", "fields": ["SoBienNhan ← ?"]} in demanded["mappings"]
    assert "changes at the portal are open" in cli("status").out
    assert "ward-civil-status: SoBienNhan ← ?" in cli("drift", "show", demanded["id"][:8]).out
    ids = [one["id"] for one in events]
    assert cli("drift", "accept", *ids, "--reason", "công văn 12").code == 0
    assert cli("drift", "check").code == 0
    again = cli("drift", "accept", ids[0], "--reason", "lần nữa")
    assert again.code == 1
    assert "drift.not_open" in again.err
    shown = json.loads(cli("drift", "show", ids[0], "--json").out)
    assert (shown["state"], shown["reason"]) == ("accepted", "công văn 12")


@pytest.mark.parametrize("given", ["zz", "", "%"])
def test_an_id_that_nothing_has_is_told_in_words(watching, given):
    result = watching.cli("drift", "show", given)

    assert result.code == 1
    assert "drift list" in result.err


def test_to_accept_nothing_is_wrong_usage(watching):
    assert watching.cli("drift", "accept", "--reason", "x").code == 2


def test_answers_that_change_are_told_while_files_are_delivered(watching, sample_set):
    site, cli = watching, watching.cli
    first, second = sample_set.files[:2]
    assert cli("submit", first.path, "--agency", first.agency).code == 0
    assert cli("run", "--roles", "expand,deliver", "--until-idle").code == 0
    order = json.dumps({"mode": "changed", "change": "key", "count": 1})
    assert urllib3.request("POST", f"{site.control}/misbehave", body=order).status == 200
    assert cli("submit", second.path, "--agency", second.agency).code == 0
    assert cli("run", "--roles", "expand,deliver", "--until-idle").code == 0

    events = json.loads(cli("drift", "list", "--json").out)

    (one,) = [each for each in events if each["subject"] == "answer DongBoHoSoMC success"]
    assert (one["kind"], one["place"]) == (
        "key_new",
        "Envelope.Body.DongBoHoSoMCResponse.MaTheoDoi",
    )
    assert len(one["mappings"]) > 5
