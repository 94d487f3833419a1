"""Acting on many messages at once: only those that were meant, and never without being asked."""

import signal
import time

import pytest

LAND, HEALTH = "land-registration", "health-department"
REJECTED = 12
"""Of each agency's sample file."""


def rejected(cli, agency):
    states = ("messages", "list", "--state", "rejected", "--agency", agency, "--json")
    return [line["id"] for line in cli(*states).json]


@pytest.fixture
def expanded(keyed, sample_set):
    """Two agencies' files, taken in; nobody delivers."""
    for agency in (LAND, HEALTH):
        assert keyed("submit", sample_set.of(agency).path, "--agency", agency).code == 0
    worker = keyed.start("run", "--roles", "expand")
    deadline = time.monotonic() + 60
    while not all(len(rejected(keyed, agency)) == REJECTED for agency in (LAND, HEALTH)):
        assert time.monotonic() < deadline
        time.sleep(0.3)
    worker.send_signal(signal.SIGTERM)
    worker.wait(30)
    worker.stdout.close()
    return keyed


def test_a_selection_without_an_agency_is_refused(expanded):
    result = expanded("messages", "discard", "--state", "rejected", "-r", "x", "--yes")

    assert result.code == 2
    assert "--all-agencies" in result.err
    assert len(rejected(expanded, LAND)) == REJECTED


def test_a_selection_touches_its_own_agency_only(expanded):
    of_land = ("messages", "discard", "--agency", LAND, "--state", "rejected", "-r", "old")
    looked = expanded(*of_land, "--dry-run")
    wrong = expanded(*of_land, "--expect", REJECTED + 1, "--yes")
    unasked = expanded(*of_land, stdin=b"n\n")
    assert (looked.code, wrong.code, unasked.code) == (0, 2, 0)
    assert f"{REJECTED} are selected" in looked.err
    assert len(rejected(expanded, LAND)) == REJECTED

    done = expanded(*of_land, "--expect", REJECTED, "--yes", "--json")

    assert done.code == 0
    assert [line["done"] for line in done.json] == [True] * REJECTED
    assert rejected(expanded, LAND) == []
    assert len(rejected(expanded, HEALTH)) == REJECTED
    assert expanded("audit", "verify").code == 0


def test_a_discard_must_be_told_which_states(expanded):
    result = expanded("messages", "discard", "--agency", LAND, "-r", "x", "--yes")

    assert result.code == 2
    assert len(rejected(expanded, LAND)) == REJECTED


def test_what_is_still_wrong_is_told_message_by_message(expanded):
    result = expanded("messages", "reissue", "--agency", LAND, "-r", "x", "--yes", "--json")

    assert result.code == 1
    assert len(result.json) == REJECTED
    assert {line["done"] for line in result.json} == {False}
    assert all(line["error"]["code"] for line in result.json)
    assert len(rejected(expanded, LAND)) == REJECTED


def test_a_value_is_corrected_by_its_column_and_the_record_goes(expanded):
    of_land = ("messages", "list", "--state", "rejected", "--agency", LAND, "--json")
    found = expanded(*of_land, "--problem", "mapping.code_unknown").json
    by_field = {line["errors"][0]["field"]: line["id"] for line in found}
    message_id = by_field["TrangThaiHoSo"]
    said = ("messages", "correct", message_id, "--set", "TrangThai=Đang xử lý", "-r", "by phone")

    looked = expanded(*said, "--preview", "--json")
    assert looked.code == 0
    assert [line["would_go"] for line in looked.json["messages"]] == [True]
    assert len(rejected(expanded, LAND)) == REJECTED
    wrong = expanded("messages", "correct", message_id, "--set", "Nowhere=x", "-r", "x")
    assert wrong.code == 1
    assert "correction.path_unknown" in wrong.err
    done = expanded(*said, "--json")

    assert done.code == 0
    assert message_id not in rejected(expanded, LAND)
    shown = expanded("messages", "show", done.json[0]["new_id"], "--json").json
    assert [one["path"] for one in shown["corrected"]] == ["TrangThai"]
    assert "message.corrected" in [step["action"] for step in shown["history"]]
    assert [one["code"] for one in shown["errors"]] == ["record.corrected"]
    assert expanded("audit", "verify").code == 0
