"""The folder door against everything that can lie in a folder, and workers that die."""

import hashlib
import json
import os
import signal
import stat
import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionFree

from lienthong.doors.folder import FolderDoor
from lienthong.doors.hold import Hold, HoldLost
from lienthong.flows.receive import receive
from lienthong.moving import Moving
from lienthong.roles import Role, Workers
from lienthong.store.pieces import PIECE_BYTES
from lienthong.store.results import list_results
from lienthong.store.tables import submission_pieces, submissions
from schemas.errors import ConfigError

LAND = "land-registration"
CSV = b"a,b\n1,2\n"


class Silent:
    def publish(self, queue, messages):
        """The workers find it."""


class Shelf:
    """One agency's folder, and a worker that looks when it is told to."""

    def __init__(self, here, root):
        self.here = here
        self.root = root
        self.installation = here.installation
        self.now = 0.0
        self.doors = []

    def door(self):
        door = FolderDoor(self.installation, publisher=Silent(), steady=lambda: self.now)
        self.doors.append(door)
        return door

    def folder(self, name=LAND):
        (self.root / name / "in").mkdir(parents=True, exist_ok=True)
        return self.root / name

    def put(self, name, body=CSV, agency=LAND):
        path = self.folder(agency) / "in" / name
        path.write_bytes(body)
        return path

    def step(self, door=None, seconds=3.0):
        """Look, wait until what is there counts as unchanged, and look again."""
        door = door or (self.doors or [self.door()])[0]
        door.step()
        self.now += seconds
        door.step()

    def names(self, *parts, agency=LAND):
        place = self.folder(agency).joinpath(*parts)
        return sorted(path.name for path in place.rglob("*") if not path.is_dir())

    def note(self, name, agency=LAND):
        return json.loads((self.folder(agency) / "error" / name).read_text(encoding="utf-8"))

    def taken(self):
        columns = (submissions.c.file_name, submissions.c.door, submissions.c.key)
        return self.here.select(select(*columns).order_by(submissions.c.arrival))

    def lines(self, agency=LAND):
        files = sorted((self.folder(agency) / "results").glob("*.jsonl"))
        return [json.loads(line) for file in files for line in file.read_text().splitlines()]


@pytest.fixture
def shelf(make_here, tmp_path):
    root = tmp_path / "doors"
    root.mkdir()
    here = make_here(f'[folder]\npath = "{root}"\n')
    shelf = Shelf(here, root)
    yield shelf
    shelf.installation.store.dispose()


def test_a_file_is_taken_over_archived_and_told_about(shelf):
    shelf.put("thang-3.csv")
    shelf.step()

    ((name, door, key),) = shelf.taken()
    assert (name, door) == ("thang-3.csv", "folder")
    assert key.startswith("folder/8-")
    assert shelf.names("in") == []
    assert shelf.names("archive") == ["thang-3.csv"]
    shelf.step()
    (line,) = shelf.lines()
    assert (line["number"], line["kind"], line["file"]) == (1, "received", "thang-3.csv")
    assert [path.name for path in (shelf.folder() / ".work").iterdir()] == ["told.json"]


def test_a_receipt_lies_beside_the_results_as_it_was_signed(shelf):
    shelf.put("thang-3.csv")
    shelf.step()
    assert Moving(shelf.installation).make_acknowledger().step() == 1
    shelf.step()

    received, told = shelf.lines()
    assert (received["kind"], told["kind"], told["state"]) == ("received", "receipt", "received")
    (name,) = shelf.names("results", "receipts")
    assert name == f"thang-3.csv.received-{told['submission'][-12:]}.xml"
    document = (shelf.folder() / "results" / "receipts" / name).read_bytes()
    assert told["receipt"]["digest"] == f"sha256:{hashlib.sha256(document).hexdigest()}"
    assert b"<NguoiGui>" in document


def test_the_folder_may_be_called_by_the_agencys_code(shelf):
    code = shelf.installation.agency_code(LAND)
    shelf.put("a.csv", agency=code)
    shelf.step()

    assert shelf.here.select(select(submissions.c.agency)) == [(LAND,)]


def test_a_file_that_is_still_written_is_left_alone(shelf):
    growing = shelf.put("a.csv")
    shelf.put("b.csv.part")
    shelf.put(".c.csv")
    door = shelf.door()
    for _ in range(5):
        shelf.now += 1
        door.step()
        with growing.open("ab") as file:
            file.write(b"3,4\n")
    assert shelf.taken() == []

    (shelf.folder() / "in" / "b.csv.part").rename(shelf.folder() / "in" / "b.csv")
    shelf.step()

    assert sorted(row[0] for row in shelf.taken()) == ["a.csv", "b.csv"]
    assert shelf.names("in") == [".c.csv"]


def test_a_file_that_changes_while_it_is_read_is_put_back_and_taken_later(shelf, monkeypatch):
    shelf.put("a.csv", bytes(PIECE_BYTES + 1))

    def receive_slowly(offer, **parts):
        monkeypatch.setattr("lienthong.doors.folder.receive", receive)
        (held,) = (shelf.folder() / ".work").rglob("a.csv")
        with held.open("ab") as file:
            file.write(b"more")
        return receive(offer, **parts)

    monkeypatch.setattr("lienthong.doors.folder.receive", receive_slowly)
    shelf.step()
    assert shelf.taken() == []
    assert shelf.here.count(submission_pieces) == 0
    assert shelf.names("in") == ["a.csv"]

    shelf.step()

    assert shelf.here.select(select(submissions.c.size)) == [(PIECE_BYTES + 5,)]


def test_files_go_in_the_order_of_their_times(shelf):
    for name, at in (("a", 300), ("b", 100), ("c", 200)):
        os.utime(shelf.put(name), (at, at))
    shelf.step()

    assert [row[0] for row in shelf.taken()] == ["b", "c", "a"]


def test_a_crash_between_commit_and_move_does_no_harm(shelf, monkeypatch):
    shelf.folder()
    shelf.step()
    shelf.put("a.csv")

    class Killed(BaseException):
        pass

    def die(*_args, **_kwargs):
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr("lienthong.doors.folder.move", die)
        patched.setattr(Hold, "close", lambda _hold: None)
        with pytest.raises(Killed):
            shelf.step()
    assert shelf.names("in") == shelf.names("archive") == []
    lock = shelf.folder() / ".work" / "lock-1"

    shelf.step(shelf.door())
    assert shelf.names("archive") == []
    os.utime(lock, (0, 0))
    shelf.step(shelf.door())

    assert shelf.names("archive") == ["a.csv"]
    assert len(shelf.taken()) == 1


def test_the_same_file_again_is_the_same_hand_over_and_a_new_one_is_another(shelf):
    shelf.put("a.csv")
    shelf.step()
    (archived,) = (shelf.folder() / "archive").rglob("a.csv")
    archived.rename(shelf.folder() / "in" / "a.csv")
    shelf.step()
    assert len(shelf.taken()) == 1

    shelf.put("a.csv")
    shelf.step()

    assert len(shelf.taken()) == 2
    assert len(shelf.names("archive")) == 2


def test_an_unknown_agencys_files_are_refused_with_words_beside_them(shelf):
    shelf.put("a.csv", agency="no-such-agency")
    shelf.step()

    assert shelf.names("error", agency="no-such-agency") == ["a.csv", "a.csv.error.json"]
    (error,) = shelf.note("a.csv.error.json", agency="no-such-agency")["errors"]
    assert error["code"] == "agency.unknown"
    assert error["message"]["vi"]
    assert error["suggestion"]["en"]
    assert shelf.taken() == []


def test_an_empty_file_is_refused(shelf):
    shelf.put("a.csv", b"")
    shelf.step()

    assert shelf.note("a.csv.error.json")["errors"][0]["code"] == "folder.empty"


def test_a_link_is_refused_and_not_followed(shelf, tmp_path):
    (tmp_path / "secret").write_text("secret")
    shelf.folder().joinpath("in", "a.csv").symlink_to(tmp_path / "secret")
    shelf.step()

    assert shelf.taken() == []
    assert (shelf.folder() / "error" / "a.csv").is_symlink()
    assert (tmp_path / "secret").read_text() == "secret"


def test_a_pipe_keeps_nobody_waiting(shelf):
    os.mkfifo(shelf.folder() / "in" / "a.csv")
    shelf.step()

    assert shelf.note("a.csv.error.json")["errors"][0]["code"] == "folder.unreadable"
    assert stat.S_ISFIFO((shelf.folder() / "error" / "a.csv").stat().st_mode)


def test_a_folder_inside_is_pointed_out_once_and_left(shelf):
    inner = shelf.folder() / "in" / "march"
    inner.mkdir()
    (inner / "a.csv").write_bytes(CSV)
    for _ in range(3):
        shelf.step()

    assert shelf.note("march.error.json")["errors"][0]["code"] == "folder.is_folder"
    assert (inner / "a.csv").exists()
    assert shelf.taken() == []


@pytest.mark.parametrize(
    "raw",
    [b"t\xea\xf2n.csv", "hồ sơ.csv".encode(), b"a\nb.csv", b"x" * 255, b"-rf", b"a.csv.error.json"],
)
def test_a_file_of_any_name_is_taken_over(shelf, raw):
    shelf.put(os.fsdecode(raw))
    shelf.step()

    assert len(shelf.taken()) == 1
    assert "\n" not in shelf.taken()[0][0]
    assert [os.fsencode(name) for name in shelf.names("archive")] == [raw]


def test_two_names_that_look_the_same_are_two_hand_overs(shelf):
    for raw in (b"t\xea.csv", b"t\xf2.csv"):
        os.utime(shelf.put(os.fsdecode(raw)), (5, 5))
    shelf.step()

    assert len(shelf.taken()) == 2


def test_a_long_name_is_refused_with_words_that_fit(shelf):
    shelf.put("x" * 255, b"")
    shelf.step()

    (note,) = [name for name in shelf.names("error") if name.endswith(".error.json")]
    assert len(note) <= 255


def test_a_file_that_cannot_be_read_is_refused(shelf, monkeypatch):
    shelf.put("a.csv")

    def fail(*_args):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("lienthong.doors.watched.os.readv", fail)
    shelf.step()

    assert shelf.note("a.csv.error.json")["errors"][0]["message"]["en"].endswith(
        "Input/output error"
    )
    assert shelf.here.count(submission_pieces) == 0


def test_a_file_that_may_not_be_opened_is_refused(shelf, monkeypatch):
    shelf.folder()
    shelf.step()
    shelf.put("a.csv")

    def refuse(*_args):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("lienthong.doors.watched.os.open", refuse)
    shelf.step()

    assert shelf.names("error") == ["a.csv", "a.csv.error.json"]


def test_trouble_in_one_folder_stops_no_other(shelf, monkeypatch):
    shelf.put("a.csv", agency="health-department")
    shelf.put("a.csv")
    scan = os.scandir

    def refuse(path):
        if str(path).endswith("health-department/in"):
            raise PermissionError(13, "Permission denied")
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    shelf.step()

    assert len(shelf.taken()) == 1


def test_a_full_disk_after_the_commit_reads_nothing_twice(shelf, monkeypatch):
    shelf.put("a.csv")
    with monkeypatch.context() as patched:

        def full(*_args, **_kwargs):
            raise OSError(28, "No space left on device")

        patched.setattr("lienthong.doors.folder.move", full)
        shelf.step()
    assert len(shelf.taken()) == 1
    monkeypatch.setattr("lienthong.doors.folder.receive", None)

    os.utime(shelf.folder() / ".work" / "lock-1", (0, 0))
    shelf.step()

    assert shelf.names("archive") == ["a.csv"]


@pytest.mark.parametrize(
    "error",
    [OperationalError("", {}, Exception()), NoConnectionFree("QueuePool limit")],
    ids=["away", "pool used up"],
)
def test_a_store_that_is_away_leaves_the_file_for_later(shelf, monkeypatch, error):
    shelf.put("a.csv")
    with monkeypatch.context() as patched:

        def away(*_args, **_kwargs):
            raise error

        patched.setattr("lienthong.doors.folder.receive", away)
        with pytest.raises(type(error)):
            shelf.step()
    assert shelf.names("in") == ["a.csv"]

    shelf.step()

    assert shelf.names("archive") == ["a.csv"]


def test_while_one_worker_has_a_folder_no_other_takes_from_it(shelf):
    shelf.put("a.csv")
    hold = Hold(shelf.folder())
    assert hold.take(silence=60)
    shelf.step()
    assert shelf.taken() == []

    hold.close()
    shelf.step()

    assert len(shelf.taken()) == 1


def test_a_worker_that_was_frozen_finds_neither_its_lock_nor_its_file(shelf):
    path = shelf.put("a.csv")
    frozen = Hold(shelf.folder())
    assert frozen.take(silence=60)
    held = frozen.claim(path)
    os.utime(shelf.folder() / ".work" / "lock-1", (0, 0))
    shelf.step()
    assert shelf.names("archive") == ["a.csv"]

    again = shelf.put("a.csv")

    assert not held.exists()
    with pytest.raises(HoldLost):
        frozen.claim(again)
    assert again.exists()


def test_of_many_workers_one_gets_the_folder(shelf):
    folder = shelf.folder()
    start = threading.Barrier(8)
    got = []

    def take():
        hold = Hold(folder)
        start.wait()
        if hold.take(silence=60):
            got.append(hold)

    for silent in (False, True):
        got.clear()
        if silent:
            os.utime(folder / ".work" / "lock-1", (0, 0))
        threads = [threading.Thread(target=take) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(got) == 1


def test_two_workers_that_die_at_any_time_lose_and_double_nothing(shelf):
    here = shelf.here
    here.settings += "unchanged_seconds = 0\nclaim_seconds = 1\n"
    count = 120
    shelf.installation.store  # noqa: B018 - made before two do it at once
    workers = [here.start("folder"), here.start("folder")]
    for number in range(count):
        draft = shelf.folder() / "in" / f"{number}.part"
        draft.write_bytes(b"%d" % number * 1000)
        draft.rename(shelf.folder() / "in" / f"{number}.csv")
        if number % 30 == 29:
            workers[-1].kill()
            workers.append(here.start("folder"))
        time.sleep(0.05)

    deadline = time.monotonic() + 60
    while len(shelf.names("archive")) < count and time.monotonic() < deadline:
        time.sleep(0.2)
    for worker in workers:
        worker.send_signal(signal.SIGTERM)
        worker.wait(timeout=30)

    assert sorted(row[0] for row in shelf.taken()) == sorted(f"{n}.csv" for n in range(count))
    assert sorted(shelf.names("archive")) == sorted(f"{n}.csv" for n in range(count))
    assert shelf.names("in") == shelf.names("error") == []


def test_while_intake_is_paused_files_lie_where_they_are_and_results_are_still_told(shelf):
    shelf.put("a.csv")
    shelf.step()
    shelf.put("b.csv")
    shelf.here.pause("intake")

    shelf.step()

    assert shelf.names("in") == ["b.csv"]
    assert [row[0] for row in shelf.taken()] == ["a.csv"]
    stop = threading.Event()
    # Neither does it keep a run until idle from ending.
    assert Workers(shelf.installation, [Role.EXPAND, Role.FOLDER], stop, until_idle=True).run()
    assert shelf.names("in") == ["b.csv"]
    shelf.here.pause(None)
    shelf.step()
    assert sorted(row[0] for row in shelf.taken()) == ["a.csv", "b.csv"]


def test_what_the_expansion_refuses_is_said_in_results_and_beside_the_errors(shelf):
    shelf.put("a.csv", b"\x00\x01 no table at all")
    shelf.step()
    stop = threading.Event()
    Workers(shelf.installation, [Role.EXPAND], stop, until_idle=True).run()
    shelf.step()

    refused = shelf.lines()[-1]
    assert (refused["kind"], refused["file"]) == ("refused", "a.csv")
    assert refused["errors"][0]["message"]["vi"]
    note = shelf.note("a.csv.error.json")
    assert note["submission"] == refused["submission"]
    assert note["errors"] == refused["errors"]


def test_results_are_written_once_whichever_worker_does_it(shelf):
    one, other = shelf.door(), shelf.door()
    for number in range(5):
        shelf.put(f"{number}.csv")
        shelf.step(one if number % 2 else other)
    shelf.step(one)
    shelf.step(other)

    told = list_results(
        shelf.installation.store, agency=LAND, after=0, limit=99, clock=shelf.installation.clock
    )
    assert [line["id"] for line in shelf.lines()] == [result.id for result in told]
    assert len(told) == 5


def test_files_of_others_among_the_results_stop_nothing(shelf):
    (shelf.folder() / "results").mkdir()
    (shelf.folder() / "results" / "notes.jsonl").write_text("xin chào")
    (shelf.folder() / "results" / "2026-03-02.jsonl").write_text("xin chào")
    shelf.put("a.csv", agency="health-department")
    shelf.put("b.csv")
    shelf.step()
    shelf.step()

    assert [line["file"] for line in shelf.lines("health-department")] == ["a.csv"]
    assert shelf.names("archive") == ["b.csv"]
    assert (shelf.folder() / "results" / "2026-03-02.jsonl").read_text() == "xin chào"
    (shelf.folder() / "results" / "2026-03-02.jsonl").unlink()
    (shelf.folder() / "results" / "notes.jsonl").unlink()
    shelf.step()
    assert [line["file"] for line in shelf.lines()] == ["b.csv"]


def test_results_that_were_taken_away_do_not_come_again(shelf):
    shelf.put("a.csv")
    shelf.step()
    shelf.step()
    for file in (shelf.folder() / "results").iterdir():
        file.unlink()
    shelf.put("b.csv", b"a,b\n3,4\n")
    shelf.step(shelf.door())
    shelf.step()

    assert [(line["number"], line["file"]) for line in shelf.lines()] == [(2, "b.csv")]


def test_without_a_folder_it_says_what_is_missing(make_here, tmp_path):
    for settings in ("", f'[folder]\npath = "{tmp_path / "nowhere"}"\n'):
        here = make_here(settings)
        with pytest.raises(ConfigError, match="folder"):
            FolderDoor(here.installation, publisher=Silent())


def test_a_large_file_is_never_in_memory(shelf):
    here = shelf.here
    worker = here.start("folder")
    shelf.put("warm.csv", bytes(3 * PIECE_BYTES))
    until(lambda: shelf.names("archive") == ["warm.csv"])
    before = here.rss(worker)
    with (shelf.folder() / "in" / "a.part").open("wb") as file:
        for _ in range(128):
            file.write(os.urandom(PIECE_BYTES))
    Path(file.name).rename(shelf.folder() / "in" / "a.csv")
    peak = 0
    while len(shelf.names("archive")) < 2:
        peak = max(peak, here.rss(worker))
        time.sleep(0.02)

    assert peak - before < 64 * PIECE_BYTES


def until(condition, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
