"""What a resend or a reissue would do is shown, masked, and nothing is sent or written."""

import sqlite3
from pathlib import Path

import pytest

import mappings
from lienthong.sandbox import read_ledger

LAND = "land-registration"
PACKAGED = Path(mappings.__file__).parent / "agencies" / f"{LAND}.yaml"
FIELD = "DonViXuLy"
CHANGE = ('DonViXuLy: {constant: "Văn phòng Đăng ký đất đai"}', 'DonViXuLy: {constant: "Một cửa"}')
PLAIN = ("Văn phòng Đăng ký đất đai", "Một cửa")
MASKED = ("Xxx xxxxx Xxxx xx xxx xxx", "Xxx xxx")
REJECTED = 12
"""Of each agency's sample file."""


def dump(cli):
    with sqlite3.connect(cli.folder / "data" / "store.sqlite") as store:
        return list(store.iterdump())


def change_mapping(site, *changes):
    text = PACKAGED.read_text("utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (site.cli.folder / "agencies" / f"{LAND}.yaml").write_text(text, "utf-8")


@pytest.fixture
def delivered(site, sample_set):
    """One agency's file, delivered; its mapping can be changed."""
    (site.cli.folder / "agencies").mkdir()
    change_mapping(site)
    settings = site.cli.folder / "lienthong.toml"
    settings.write_text('mappings_dir = "agencies"\n' + settings.read_text())
    assert site.cli("submit", sample_set.of(LAND).path, "--agency", LAND).code == 0
    assert site.cli("run", "--roles", "expand,deliver", "--until-idle").code == 0
    return site


def reissue(site, *words):
    return site.cli("messages", "preview", "reissue", *words)


def latest(site):
    """Return a delivered snapshot that no newer one follows."""
    listed = site.cli("messages", "list", "--agency", LAND, "--state", "delivered", "--json").json
    told = reissue(site, *(line["id"] for line in listed[:20]), "--json").json["messages"]
    return next(one for one in told if one["would_go"] and one["packet"] == "DongBoHoSoMC")


def test_changed_fields_are_told_masked_and_values_only_with_a_reason(delivered):
    site = delivered
    message = latest(site)["id"]
    change_mapping(site, ("version: 3", "version: 4"), CHANGE)
    before, arrivals = dump(site.cli), len(read_ledger(site.ledger).arrivals_by_message)

    told = reissue(site, message)
    values = reissue(site, message, "--json").json

    assert told.code == 0, told.err
    assert f"{message}  would be reissued" in told.out
    assert f"{FIELD}: {MASKED[0]} → {MASKED[1]}" in told.out
    assert "isUpdating: True" in told.out
    assert "1 would go (1 with other content), 0 would be refused" in told.out
    [one] = values["messages"]
    assert one["changes"] == [{"field": FIELD, "before": MASKED[0], "after": MASKED[1]}]
    assert (one["mapping"][:20], one["mapping_now"][:20]) == (f"{LAND}@3 ", f"{LAND}@4 ")
    assert values["summary"]["fields"] == {FIELD: 1}
    assert reissue(site, message, "--reveal").code == 2
    assert dump(site.cli) == before

    seen = reissue(site, message, "--reveal", "--reason", "a complaint")
    assert f"{FIELD}: {PLAIN[0]} → {PLAIN[1]}" in seen.out
    [viewed] = site.cli("audit", "search", "--event", "message.viewed", "--json").json
    assert (viewed["subject"], viewed["detail"]["reason"]) == (message, "a complaint")
    assert len(read_ledger(site.ledger).arrivals_by_message) == arrivals


def test_what_would_be_refused_is_told_and_the_code_says_so(delivered):
    site = delivered

    told = reissue(site, "--agency", LAND, "--state", "rejected", "--limit", "2")
    act = site.cli(
        "messages", "reissue", "--agency", LAND, "--state", "rejected", "-r", "x", "--yes", "--json"
    )
    values = reissue(site, "--agency", LAND, "--state", "rejected", "--json")

    assert (told.code, act.code, values.code) == (1, 1, 1)
    assert f"{REJECTED - 2} more are not shown" in told.out
    assert f"0 would go (0 with other content), {REJECTED} would be refused" in told.out
    of_act = {line["id"]: line["error"]["code"] for line in act.json}
    assert {one["id"]: one["error"]["code"] for one in values.json["messages"]} == of_act
    assert any(one["findings"] for one in values.json["messages"])
    assert {each["value"] for one in values.json["messages"] for each in one["findings"]} == {None}


def test_the_portal_is_asked_only_where_that_is_wanted(delivered):
    site = delivered
    message = latest(site)["id"]
    before = dump(site.cli)

    asked = reissue(site, message, "--ask-portal", "--json").json["messages"][0]
    site.portal.terminate()
    site.portal.wait()
    unasked = reissue(site, message, "--json").json["messages"][0]
    away = reissue(site, message, "--ask-portal")

    assert (asked["portal"]["found"], asked["portal"]["proves"]) == ("present", True)
    assert asked["portal"]["discrepancy"] is None
    assert unasked["portal"] is None
    assert away.code == 0, away.err
    assert "the portal says: failed" in away.out
    assert "this answer proves nothing" in away.out
    assert dump(site.cli) == before


def test_a_resend_is_shown_in_vietnamese_too(delivered):
    message = latest(delivered)["id"]

    told = delivered.cli("messages", "preview", "resend", message, lang="vi")

    assert told.code == 1
    assert f"{message}  sẽ bị từ chối" in told.out
    assert "message.wrong_state" in told.out


def test_a_selection_without_an_agency_is_refused(keyed):
    result = keyed("messages", "preview", "reissue", "--state", "parked")

    assert result.code == 2
    assert "--all-agencies" in result.err
