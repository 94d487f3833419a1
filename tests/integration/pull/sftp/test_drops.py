"""Files on SFTP servers: each is taken over once, whole, and moved away after it."""

import hashlib
import os
import resource
from datetime import timedelta

import paramiko
import pytest

from lienthong.failpoints import Point


def there(server, folder):
    return sorted(path.name for path in (server.folder / folder).iterdir())


def test_every_file_becomes_a_submission_in_the_order_of_their_times(server, make, put):
    put("b.csv", b"1")
    put("a.csv", b"2" * 3_000_000)
    reader = make()
    done = reader.read()

    assert (done.rows, done.submissions, done.trouble) == (2, 2, None)
    assert reader.submissions() == [b"1", b"2" * 3_000_000]
    assert (there(server, "out"), there(server, "done")) == ([], ["a.csv", "b.csv"])
    assert reader.read().rows == 0
    assert reader.state().rows == 2


def test_what_is_not_whole_or_not_meant_is_left_alone(server, make, put):
    for name in ("x.csv.part", "x.tmp", ".hidden.csv", "readme.txt"):
        put(name, b"1")
    put("empty.csv", b"")
    (server.folder / "out" / "folder.csv").mkdir()
    (server.folder / "out" / "link.csv").symlink_to("/etc/hostname")
    put("good.csv", b"1")

    assert make(files=["*.csv"]).read().rows == 1
    assert there(server, "done") == ["good.csv"]


def test_a_file_that_grows_between_two_looks_waits(server, make, put, monkeypatch):
    path = put("a.csv", b"1")
    reader = make(unchanged_seconds=0.2)

    def grow(seconds):
        path.write_bytes(path.read_bytes() + b"2")

    monkeypatch.setattr("lienthong.doors.drops.time.sleep", grow)
    assert reader.read().rows == 0
    monkeypatch.undo()
    assert reader.read().rows == 1


def test_a_file_that_changes_while_it_is_read_is_not_taken(server, make, put):
    path = put("a.csv", b"1" * 200_000)
    put("b.csv", b"2")

    def grow(offset):
        if offset > 100_000:
            server.on_read = lambda _offset: None
            with path.open("ab") as file:
                file.write(b"2")

    server.on_read = grow
    reader = make()
    done = reader.read()

    # The one after it does not wait for it.
    assert (done.rows, done.trouble.code) == (1, "pull.file_changed")
    assert (reader.read().rows, reader.submissions()[1]) == (1, b"1" * 200_000 + b"2")


def test_a_marker_says_that_a_file_is_whole_and_goes_with_it(server, make, put):
    put("a.csv", b"1")
    put("b.csv", b"2")
    put("b.csv.done", b"")
    reader = make(done_marker=".done", unchanged_seconds=600)

    assert (reader.read().rows, reader.submissions()) == (1, [b"2"])
    assert (there(server, "out"), there(server, "done")) == (["a.csv"], ["b.csv", "b.csv.done"])


def test_a_file_that_is_replaced_after_it_was_taken_is_not_moved_away_unread(
    server, make, put, monkeypatch
):
    put("a.csv", b"1")
    reader = make()

    def replace(point):
        if point is Point.PULL_TAKEN:
            put("a.csv", b"22")

    monkeypatch.setattr("lienthong.doors.drops.reached", replace)
    reader.read()
    monkeypatch.undo()

    assert (there(server, "out"), reader.read().rows) == (["a.csv"], 1)
    assert (reader.submissions(), there(server, "done")) == ([b"1", b"22"], ["a.csv"])


def test_nothing_in_the_archive_is_written_over(server, make, put):
    reader = make()
    for body in (b"1", b"2", b"3"):
        put("a.csv", body, at=1_770_000_000)
        assert reader.read().rows == 1

    assert reader.submissions() == [b"1", b"2", b"3"]
    assert len(there(server, "done")) == 3


def test_a_file_of_the_same_name_size_and_second_is_another_file(server, make, put):
    reader = make(archive=None)
    path = put("a.csv", b"1", at=1_770_000_000)
    reader.read()
    path.unlink()
    reader.read()
    put("a.csv", b"2", at=1_770_000_000)

    assert (reader.read().rows, reader.submissions()) == (1, [b"1", b"2"])


def test_on_a_server_that_only_reads_files_are_remembered_until_they_go(server, make, put):
    server.read_only = True
    path = put("a.csv", b"1")
    reader = make(archive=None)

    assert [reader.read().rows for _ in range(3)] == [1, 0, 0]
    os.utime(path)
    assert (reader.read().rows, reader.read().rows) == (0, 0)
    put("a.csv", b"1!")
    assert reader.read(after=timedelta(days=400)).rows == 1
    path.unlink()
    reader.read()
    with reader.installation.store.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM pull_seen").scalar() == 0


def test_an_archive_that_cannot_be_written_doubles_nothing(server, make, put):
    server.read_only = True
    put("a.csv", b"1")
    reader = make()

    assert [reader.read().trouble.code for _ in range(2)] == ["pull.refused"] * 2
    assert reader.submissions() == [b"1"]
    server.read_only = False
    assert (reader.read().trouble, there(server, "done")) == (None, ["a.csv"])


def test_a_server_that_disappears_in_a_file_gives_nothing_of_it_and_goes_on_later(
    server, make, put
):
    body = os.urandom(3_000_000)
    put("a.csv", body)
    server.on_read = lambda offset: server.cut() if offset > 2_000_000 else None
    reader = make()
    done = reader.read()

    assert (done.rows, done.trouble.code, reader.submissions()) == (0, "pull.unreachable", [])
    server.on_read = lambda _offset: None
    assert (reader.read().rows, reader.submissions()) == (1, [body])
    with reader.installation.store.engine.connect() as connection:
        pieces = "SELECT count(DISTINCT submission_id) FROM submission_pieces"
        assert connection.exec_driver_sql(pieces).scalar() == 1


def test_a_server_that_stands_still_holds_nobody(server, make, put):
    put("a.csv", b"1")
    server.on_read = lambda _offset: __import__("time").sleep(2)

    assert make(read_timeout_seconds=0.3).read().trouble.code == "pull.unreachable"


def test_a_worker_that_is_to_stop_stops_within_a_file_and_takes_nothing_of_it(server, make, put):
    put("a.csv", b"1" * 3_000_000)
    stop = []
    reader = make()
    reader.door._must_stop = lambda: bool(stop)
    server.on_read = lambda offset: stop.append(offset) if offset > 1_000_000 else None
    done = reader.read()

    assert (done.rows, done.trouble, reader.submissions()) == (0, None, [])
    assert max(stop) < 2_500_000
    stop.clear()
    server.on_read = lambda _offset: None
    assert reader.read().rows == 1


def test_another_host_key_is_refused_before_anything_is_said(server, make, put, tmp_path):
    put("a.csv", b"1")
    other = paramiko.ECDSAKey.generate()
    done = make(host_key=f"{other.get_name()} {other.get_base64()}").read()
    assert (done.rows, done.trouble.code) == (0, "pull.host_key")
    assert "SHA256:" in done.trouble.text.vi

    known = tmp_path / "known_hosts"
    known.write_text(f"other.example {server.host_key}\n")
    assert make(host_key=None, known_hosts=known).read().trouble.code == "pull.host_key"
    known.write_text(f"[127.0.0.1]:{server.port} {server.host_key}\n")
    assert make(host_key=None, known_hosts=known).read().rows == 1


@pytest.mark.parametrize("password", [None, "k3y"])
def test_a_key_logs_in(server, make, put, tmp_path, password):
    put("a.csv", b"1")
    server.user_key = paramiko.RSAKey.generate(2048)
    path = tmp_path / "key"
    server.user_key.write_private_key_file(str(path), password=password)
    options = {"password": "", "private_key": path, "archive": None}

    assert make(**options, key_password=password or "").read().rows == 1
    assert make(**options, key_password="other").read().trouble is None or password
    assert make(**{**options, "private_key": tmp_path}).read().trouble.code == "pull.key"


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"password": "wrong"}, "pull.refused"),
        ({"folder": "/nowhere"}, "pull.folder"),
        ({"port": 9}, "pull.unreachable"),
        ({"max_files": 1}, "pull.too_many_files"),
        ({"max_file_bytes": 1}, "pull.file_too_large"),
        ({"host_key": "ssh-rsa nonsense"}, "pull.key"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_wrong_with_a_server_is_told(server, make, put, options, code):
    put("a.csv", b"12")
    put("b.csv", b"34")
    reader = make(**options)

    assert (reader.read().trouble.code, reader.state().trouble) == (code, code)
    assert reader.submissions() == []


def test_a_name_that_is_hostile_does_no_harm(server, make, put):
    put("a\n\x1b[31m.csv", b"1")
    reader = make()

    assert reader.read().rows == 1
    assert there(server, "done") == ["a\n\x1b[31m.csv"]


def test_a_large_file_needs_little_memory(server, make, put):
    size = 60 * 1024 * 1024
    path = server.folder / "out" / "a.csv"
    with path.open("wb") as file:
        file.truncate(size)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    reader = make()

    assert reader.read().rows == 1
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 40 * 1024


def test_who_lost_the_server_to_another_worker_writes_nothing(server, make, put, monkeypatch):
    put("a.csv", b"1")
    reader = make()
    slow = reader.door

    def stand_still(point):
        if point is Point.PULL_READ:
            monkeypatch.undo()
            reader.installation.now += timedelta(hours=1)
            assert reader.with_options().read().rows == 1

    monkeypatch.setattr("lienthong.doors.drops.reached", stand_still)
    slow.read("land")

    assert reader.submissions() == [b"1"]
    assert hashlib.sha256(b"1").hexdigest() not in str(reader.state())
