"""Small parts of the doors: the OpenAPI document, file names, result files, settings."""

import json
import os
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openapi_spec_validator import validate

from lienthong.doors.moves import fitting, move, shown, write_json
from lienthong.doors.openapi import KINDS, document
from lienthong.doors.result_files import (
    NotOurs,
    append,
    last_number,
    note_number,
    noted_number,
)
from lienthong.settings import ConsoleSettings, HttpSettings
from lienthong.store.ledgers import TOLD
from lienthong.store.results import Result, result_values

ROOT = Path(__file__).parents[3]
RESULT = Result(
    id="r",
    number=1,
    kind="received",
    at=datetime(2026, 3, 2, tzinfo=UTC),
    agency="land",
    is_again=False,
    submission_id="s",
    key=None,
    file_name="a.csv",
    record=None,
    item=None,
    dossier_code=None,
    message_id=None,
    event_key=None,
    state="received",
    reason="",
    receipt=b"<r/>",
    problems=(),
)
DAY = date(2026, 3, 2)


def test_the_description_is_valid_openapi():
    validate(document())


def test_the_copy_in_the_docs_is_the_same():
    kept = json.loads((ROOT / "docs/openapi.json").read_text(encoding="utf-8"))

    assert kept == document(), "write lienthong.doors.openapi.document() to docs/openapi.json"


def test_every_value_and_kind_of_a_result_is_described():
    described = document()["components"]["schemas"]["Result"]

    assert set(described["properties"]) == set(result_values(RESULT))
    assert {state.value for state in TOLD} <= set(KINDS)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "door.example.vn"])
def test_it_does_not_listen_openly_without_a_certificate(host):
    with pytest.raises(ValueError, match="tls_certificate"):
        HttpSettings(host=host)

    assert HttpSettings(host=host, behind_proxy=True)
    assert HttpSettings(host=host, tls_certificate=Path("a.pem"))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_it_listens_to_this_machine_without_one(host):
    assert HttpSettings(host=host)


@given(st.binary(min_size=1, max_size=255), st.text(max_size=20), st.booleans())
def test_a_name_with_an_addition_still_fits(raw, addition, before):
    name = os.fsdecode(raw)

    made = fitting(name, addition, before_ending=before)

    assert len(os.fsencode(made)) <= 255
    assert addition in made


@given(st.binary(min_size=1, max_size=255))
def test_any_name_can_be_shown(raw):
    text = shown(os.fsdecode(raw))

    assert text
    assert text.encode("utf-8")
    assert "\n" not in text
    assert "\0" not in text


def test_nothing_is_moved_over_something_else(tmp_path):
    (tmp_path / "to").mkdir()
    for body in ("1", "2"):
        (tmp_path / "a.csv").write_text(body)
        move(tmp_path / "a.csv", tmp_path / "to", mark=f"m{body}")

    names = {path.name: path.read_text() for path in (tmp_path / "to").iterdir()}
    assert names == {"a.csv": "1", "a~m2.csv": "2"}
    assert not (tmp_path / "a.csv").exists()


def test_where_there_are_no_links_it_is_renamed(tmp_path, monkeypatch):
    def refuse(*_args, **_kwargs):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)

    test_nothing_is_moved_over_something_else(tmp_path)


def test_a_link_is_moved_and_not_followed(tmp_path):
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "a.csv").symlink_to("secret")

    moved = move(tmp_path / "a.csv", tmp_path / "to", mark="m")

    assert moved.is_symlink()
    assert (tmp_path / "secret").read_text() == "secret"


def test_a_json_file_that_cannot_be_written_leaves_no_half(tmp_path, monkeypatch):
    write_json(tmp_path / "a.json", {"a": 1})

    def fail(_file):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="space"):
        write_json(tmp_path / "a.json", {"a": 2})

    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]
    assert json.loads((tmp_path / "a.json").read_text()) == {"a": 1}


def test_results_are_lines_and_the_last_one_says_how_far_it_got(tmp_path):
    assert last_number(tmp_path) == 0
    append(tmp_path, [RESULT, replace(RESULT, number=2)], day=DAY)
    append(tmp_path, [replace(RESULT, number=3)], day=date(2026, 3, 3))

    lines = (tmp_path / "2026-03-02.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["number"] for line in lines] == [1, 2]
    assert last_number(tmp_path) == 3


@pytest.mark.parametrize(
    "torn",
    [
        b"{",
        b'{"number": 3',
        b'{"number": 3, "id": "' + b"x" * 200_000,
        b'{"number": 3' + bytes(9),
        bytes(9),
    ],
)
def test_a_line_that_was_cut_off_is_taken_away(tmp_path, torn):
    append(tmp_path, [RESULT, replace(RESULT, number=2)], day=DAY)
    file = tmp_path / "2026-03-02.jsonl"
    whole = file.read_bytes()
    file.write_bytes(whole + torn)

    assert last_number(tmp_path) == 2
    assert file.read_bytes() == whole


def test_a_file_with_nothing_but_a_cut_line_counts_for_nothing(tmp_path):
    append(tmp_path, [RESULT], day=DAY)
    (tmp_path / "2026-03-03.jsonl").write_bytes(b'{"num')

    assert last_number(tmp_path) == 1


def test_a_whole_line_that_lost_its_end_stays(tmp_path):
    append(tmp_path, [RESULT, replace(RESULT, number=2)], day=DAY)
    file = tmp_path / "2026-03-02.jsonl"
    whole = file.read_bytes()
    file.write_bytes(whole[:-1])

    assert last_number(tmp_path) == 2
    assert file.read_bytes() == whole


@pytest.mark.parametrize("name", ["notes.jsonl", "2026-03-02 (1).jsonl", "2026-03-9.jsonl"])
def test_files_of_others_are_neither_read_nor_changed(tmp_path, name):
    append(tmp_path, [RESULT], day=DAY)
    (tmp_path / name).write_bytes(b"xin ch\xe0o\nhalf")

    assert last_number(tmp_path) == 1
    assert (tmp_path / name).read_bytes() == b"xin ch\xe0o\nhalf"


@pytest.mark.parametrize(
    "strange",
    [b"xin ch\xe0o", b"xin ch\xe0o\n", b"[1]\n", b"{}\n", b'{"number": null}\n'],
    ids=["half", "text", "list", "no_number", "null"],
)
def test_what_was_not_written_here_is_trouble_and_stays(tmp_path, strange):
    append(tmp_path, [RESULT], day=DAY)
    file = tmp_path / "2026-03-02.jsonl"
    whole = file.read_bytes() + strange
    file.write_bytes(whole)

    with pytest.raises(NotOurs, match=r"2026-03-02\.jsonl"):
        last_number(tmp_path)
    assert file.read_bytes() == whole


def test_the_last_number_is_noted_apart(tmp_path):
    assert noted_number(tmp_path) == 0

    note_number(tmp_path, 7)

    assert noted_number(tmp_path) == 7


def test_a_very_long_line_is_read_whole(tmp_path):
    append(tmp_path, [replace(RESULT, number=7, receipt=bytes(200_000))], day=DAY)

    assert last_number(tmp_path) == 7


def test_a_full_disk_leaves_whole_lines_only(tmp_path, monkeypatch):
    append(tmp_path, [RESULT], day=DAY)
    whole = (tmp_path / "2026-03-02.jsonl").read_bytes()

    def fail(_file):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="space"):
        append(tmp_path, [replace(RESULT, number=2)], day=DAY)

    assert (tmp_path / "2026-03-02.jsonl").read_bytes() == whole


def test_metrics_are_open_to_this_machine_only_where_no_proxy_makes_everybody_seem_to_be_here():
    assert not ConsoleSettings().open_metrics
    assert ConsoleSettings(open_metrics=True).open_metrics
    with pytest.raises(ValueError, match="give Prometheus a token"):
        ConsoleSettings(open_metrics=True, behind_proxy=True)
