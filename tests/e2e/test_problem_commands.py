"""Problems on the command line: listed by cause, decided about, and found among messages."""

import signal
import time

import pytest

LAND = "land-registration"
REJECTED = 12
"""Of the agency's sample file."""


@pytest.fixture
def expanded(keyed, sample_set):
    """One agency's file, taken in; nobody delivers."""
    assert keyed("submit", sample_set.of(LAND).path, "--agency", LAND).code == 0
    worker = keyed.start("run", "--roles", "expand")
    deadline = time.monotonic() + 60
    while len(keyed("messages", "list", "--state", "rejected", "--json").json) < REJECTED:
        assert time.monotonic() < deadline
        time.sleep(0.3)
    worker.send_signal(signal.SIGTERM)
    worker.wait(30)
    worker.stdout.close()
    return keyed


def test_problems_are_listed_shown_and_decided_about(expanded):
    listed = expanded("problems", "list", "--json").json
    first = listed["problems"][0]
    messages = expanded("messages", "list", "--problem", first["id"], "--json").json
    shown = expanded("--lang", "vi", "problems", "show", first["id"])
    table = expanded("--lang", "vi", "problems", "list", "--owner", "agency")

    done = expanded("problems", "acknowledge", first["id"], "-r", "asked the agency")
    stale = expanded("problems", "ignore", first["id"], "-r", "test", "--version", "0")
    strange = expanded("problems", "show", "0" * 32)

    assert sum(one["affected"] for one in listed["problems"]) >= REJECTED
    assert {one["agency"] for one in listed["problems"]} == {LAND}
    assert len(messages) == first["affected"] > 0
    assert (shown.code, table.code, done.code) == (0, 0, 0)
    assert "Cách xử lý" in shown.out
    assert first["id"] in table.out
    assert first["title"]["vi"] in shown.out
    assert (stale.code, strange.code) == (1, 1)
    assert "problem.changed" in stale.err
    assert "problem.not_found" in strange.err
    after = expanded("problems", "show", first["id"], "--json").json
    assert (after["state"], after["version"]) == ("acknowledged", 1)
    assert after["decision"]["reason"] == "asked the agency"
    only = expanded("problems", "list", "--state", "acknowledged", "--json").json
    assert [one["id"] for one in only["problems"]] == [first["id"]]
    assert expanded("problems", "list", "--state", "closed").code == 2


def test_messages_and_problems_are_found_by_words_without_marks(expanded):
    every = expanded("problems", "list", "--json").json["problems"]
    code = every[0]["code"]
    of_code = {one["id"] for one in every if code in one["code"]}

    found = expanded("problems", "list", "--text", code, "--json").json["problems"]
    none = expanded("problems", "list", "--text", "khongcotunay", "--json").json["problems"]
    messages = expanded("messages", "list", "--text", code, "--json").json

    assert {one["id"] for one in found} >= of_code
    assert none == []
    assert messages
