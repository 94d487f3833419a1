"""A file appears whole under its name, once, or not at all."""

import os
from datetime import UTC, datetime

import pytest

from lienthong.channels.port import HandedFile, Outcome, Packet, SendRequest
from lienthong.receivers.folder import FolderReceiver

AT = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def request(document=b"a;b\r\n", name="H1-m1.csv", attempt=1):
    return SendRequest(
        packet=Packet.INBOUND,
        message_id="m1",
        dossier_code="H1",
        document=document,
        is_updating=False,
        attempt=attempt,
        sent_at=AT,
        agency="land",
        file=HandedFile(name=name, media_type="text/csv", service="DongBoHoSoMC"),
    )


def test_the_file_is_there_and_nothing_else(tmp_path):
    answer = FolderReceiver(tmp_path).hand_over(request())

    assert answer.outcome is Outcome.DELIVERED
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == {
        "H1-m1.csv": b"a;b\r\n"
    }


def test_the_same_file_again_is_the_first_answer_again(tmp_path):
    receiver = FolderReceiver(tmp_path)
    receiver.hand_over(request())
    before = (tmp_path / "H1-m1.csv").stat().st_ino

    assert receiver.hand_over(request()).outcome is Outcome.DELIVERED
    assert (tmp_path / "H1-m1.csv").stat().st_ino == before


def test_a_file_of_somebody_else_under_that_name_is_left_alone(tmp_path):
    (tmp_path / "H1-m1.csv").write_bytes(b"theirs")

    answer = FolderReceiver(tmp_path).hand_over(request())

    assert answer.outcome is Outcome.REJECTED
    assert (tmp_path / "H1-m1.csv").read_bytes() == b"theirs"


def test_what_a_dead_process_left_behind_is_removed(tmp_path):
    (tmp_path / ".m1.0123456789abcdef.part").write_bytes(b"a;")

    assert FolderReceiver(tmp_path).hand_over(request(attempt=2)).outcome is Outcome.DELIVERED
    assert [file.name for file in tmp_path.iterdir()] == ["H1-m1.csv"]


def test_only_the_folders_group_may_read_besides_us(tmp_path):
    FolderReceiver(tmp_path).hand_over(request())

    assert (tmp_path / "H1-m1.csv").stat().st_mode & 0o137 == 0


@pytest.mark.parametrize("name", [".m1.part", ".m1.0123456789abcdef.part"])
def test_a_link_that_the_agency_laid_in_the_way_is_not_written_through(tmp_path, name):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b"ours")
    folder = tmp_path / "land"
    folder.mkdir()
    (folder / name).symlink_to(elsewhere)

    assert FolderReceiver(folder).hand_over(request(attempt=2)).outcome is Outcome.DELIVERED
    assert elsewhere.read_bytes() == b"ours"


def test_a_link_to_the_same_content_is_no_file_of_ours(tmp_path):
    (tmp_path / "elsewhere").write_bytes(b"a;b\r\n")
    (tmp_path / "H1-m1.csv").symlink_to(tmp_path / "elsewhere")

    assert FolderReceiver(tmp_path).hand_over(request()).outcome is Outcome.REJECTED


@pytest.mark.parametrize("target", ["/nowhere", "/dev/zero"])
def test_a_link_to_nothing_or_to_something_endless_is_told_at_once(tmp_path, target):
    (tmp_path / "H1-m1.csv").symlink_to(target)

    assert FolderReceiver(tmp_path).hand_over(request()).outcome is Outcome.REJECTED


def test_a_pipe_under_its_name_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "H1-m1.csv")

    assert FolderReceiver(tmp_path).hand_over(request()).outcome is Outcome.REJECTED


def test_two_who_write_the_same_message_at_once_never_show_half_of_it(tmp_path, monkeypatch):
    real = os.fsync
    receiver, again = FolderReceiver(tmp_path), []

    def meanwhile(handle):
        real(handle)
        if not again:
            again.append(None)
            # A worker whose lease ended is frozen here; its successor does the same message.
            again[0] = receiver.hand_over(request(attempt=2))

    monkeypatch.setattr("lienthong.receivers.folder.os.fsync", meanwhile)

    receiver.hand_over(request())

    assert again[0].outcome is Outcome.DELIVERED
    assert {f.name: f.read_bytes() for f in tmp_path.iterdir()} == {"H1-m1.csv": b"a;b\r\n"}


def test_who_looks_meanwhile_sees_no_unfinished_file(tmp_path, monkeypatch):
    seen = []
    real = os.fsync

    def look(handle):
        seen.append([file.name for file in tmp_path.iterdir() if not file.name.endswith(".part")])
        real(handle)

    monkeypatch.setattr("lienthong.receivers.folder.os.fsync", look)

    FolderReceiver(tmp_path).hand_over(request())

    assert seen[0] == []


@pytest.mark.parametrize("trouble", ["missing", "full", "read-only"])
def test_trouble_of_the_folder_is_told_and_tried_again(tmp_path, monkeypatch, trouble):
    folder = tmp_path / "land"
    if trouble != "missing":
        folder.mkdir()
    if trouble == "full":
        monkeypatch.setattr("lienthong.receivers.folder.os.fsync", full_disk)
    if trouble == "read-only":
        monkeypatch.setattr("lienthong.receivers.folder.os.link", read_only)

    answer = FolderReceiver(folder).hand_over(request())

    assert answer.outcome is Outcome.NOT_SENT
    assert answer.detail.startswith("not written: ")
    assert "H1" not in answer.detail
    assert not folder.exists() or list(folder.iterdir()) == []


def full_disk(_handle):
    raise OSError(28, "No space left on device")


def read_only(_source, _target):
    raise OSError(30, "Read-only file system")
