"""
Files, disks, keys and readers as they should not be: each is told with its place and what to do,
what is good around it goes through, and nothing is left half written.
"""

import csv
import io
import json
import os
import resource
import shutil
import subprocess
import time
import zipfile
from datetime import UTC, datetime
from itertools import permutations
from pathlib import Path
from threading import Event, Thread

import pytest

from lienthong import wiring
from lienthong.flows.receive import Offer, receive
from lienthong.roles import Role, Workers
from lienthong.samples import generate_large_csv
from lienthong.settings import load_settings
from lienthong.states import State
from lienthong.store.database import reading
from lienthong.store.queries import count_agencies, troubled_submissions
from schemas.parser import parse_xml
from signing import make_development_pki

MIB = 1024 * 1024
MEMORY = 300 * MIB
LAND = ("-a", "land-registration")
FILES = {
    "business-registration": "business-registration.xml",
    "district-portalqh": "district-portalqh.txt",
    "health-department": "health-department.json",
    "igate-one-stop": "igate-one-stop.json",
    "land-registration": "land-registration.csv",
    "ward-civil-status": "ward-civil-status.xlsx",
}


TABLES = {"land-registration", "district-portalqh"}
"""A table cut inside its last cell is still a table."""


class LandTable:
    """A good table of the land registration, to be spoilt; cells are bytes read as Latin-1."""

    def __init__(self, folder):
        self.folder = folder
        generate_large_csv(folder / "large.csv", size_bytes=3000)
        text = (folder / "large.csv").read_bytes().decode("latin-1")
        self.rows = list(csv.DictReader(io.StringIO(text, newline=""), delimiter=";"))

    def write(self, *, delimiter=";", extra=b""):
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, list(self.rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(self.rows)
        path = self.folder / "table.csv"
        path.write_bytes(text.getvalue().encode("latin-1") + extra)
        return path


@pytest.fixture
def table(tmp_path):
    return LandTable(tmp_path)


def only_error(result):
    [error] = result.json["errors"]
    return error


def whole_documents(folder):
    """Return the names of the documents in a folder; each must be whole, and nothing beside."""
    names = sorted(path.name for path in folder.iterdir()) if folder.exists() else []
    assert [name for name in names if name.startswith(".") or not name.endswith(".xml")] == []
    for name in names:
        assert (folder / name).read_bytes().endswith(b"</ds:Signature></BanTin>")
        parse_xml((folder / name).read_bytes())
    return names


def was_told(result, code):
    """Check that an error ended in words on standard error."""
    assert "Traceback" not in result.err + result.out
    assert code in result.err
    return True


# What stands in the file


@pytest.mark.parametrize(("given", "agency"), list(permutations(FILES, 2)))
def test_a_file_that_is_not_what_its_profile_says_is_refused(quick, sample_set, given, agency):
    path = sample_set.of(given).path

    result = quick("convert", path, "-a", agency, "--out", "xml", "--json")

    assert result.code == 1
    error = only_error(result)
    assert error["code"].split(".")[0] in ("input", "csv", "xlsx", "json", "xml")
    assert error["source"]["file"] == path.name
    assert error["suggestion"]
    assert result.json["accepted"] == 0
    assert whole_documents(Path("xml")) == []


def test_the_screen_says_why_a_file_was_refused(quick, sample_set):
    path = sample_set.of("igate-one-stop").path

    result = quick("convert", path, *LAND, lang="vi")

    assert result.code == 1
    assert "csv.columns_missing  igate-one-stop.json, dòng 1" in result.out
    assert "→" in result.out


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("agency", list(FILES))
def test_a_truncated_file_gives_its_good_records_and_says_where_it_ends(
    quick, sample_set, tmp_path, agency, share
):
    sample = sample_set.of(agency)
    data = sample.path.read_bytes()
    (tmp_path / "cut").write_bytes(data[: int(len(data) * share)])

    result = quick("convert", "cut", "-a", agency, "--out", "xml", "--json")

    assert result.code == 1
    report = result.json
    last = report["errors"][-1]
    assert last["source"]["file"] == "cut"
    assert last["severity"] == "error"
    assert report["records"] < sample.records or agency in TABLES
    expected = {(error.record, error.code) for error in sample.expected}
    early = [e for e in report["errors"] if e["record"] and e["record"] < report["records"]]
    assert {(error["record"], error["code"]) for error in early} <= expected
    assert report["accepted"] <= len(whole_documents(Path("xml")))
    bad = {error["record"] for error in early}
    assert report["accepted"] >= report["records"] - len(bad) - 1


def test_a_truncated_workbook_is_refused_whole(quick, sample_set, tmp_path):
    """Its directory stands at its end; without it nothing in it can be believed."""
    data = sample_set.of("ward-civil-status").path.read_bytes()
    (tmp_path / "cut.xlsx").write_bytes(data[:-30])

    result = quick("convert", "cut.xlsx", "-a", "ward-civil-status", "--out", "xml", "--json")

    assert result.json["records"] == 0
    assert only_error(result)["code"].startswith("xlsx.")


def test_an_empty_file_is_refused(quick, tmp_path):
    (tmp_path / "empty").touch()

    for agency in FILES:
        result = quick("convert", "empty", "-a", agency, "--json")

        assert result.code == 1
        assert only_error(result)["suggestion"]


def test_a_wrong_delimiter_is_named(quick, table):
    path = table.write(delimiter=",")

    result = quick("convert", path, *LAND, "--json")

    assert result.code == 1
    error = only_error(result)
    assert error["code"] == "csv.columns_missing"
    assert error["source"]["row"] == 1
    assert "delimiter" in error["for_integrator"]


def test_ragged_rows_are_reported_and_their_neighbours_convert(quick, table):
    good = len(table.rows)
    path = table.write(extra=b"one;two;three\r\n")

    result = quick("convert", path, *LAND, "--out", "xml", "--json")

    assert result.code == 1
    error = only_error(result)
    assert error["source"]["row"] == good + 2
    assert error["record"] == good + 1
    assert (result.json["accepted"], result.json["rejected"]) == (good, 1)
    assert len(whole_documents(Path("xml"))) == good


@pytest.mark.parametrize(
    ("column", "value", "code", "letter"),
    [
        ("NgayTiepNhan", "31/02/2025", "mapping.date_invalid", "O"),
        ("NgayTiepNhan", "", "mapping.field_missing", "O"),
        ("NgayTiepNhan", "05/03/0225", "mapping.date_implausible", "O"),
        ("TrangThai", "Dang bay", "mapping.code_unknown", "Q"),
        ("MaHoSoMotCua", "", "mapping.field_missing", "B"),
        ("HoTen", "Nguyen\x07An", "mapping.value_refused", "F"),
        ("GhiChu", "a\x1bb", "mapping.value_refused", "AA"),
    ],
)
def test_one_bad_value_is_reported_at_its_cell_and_the_others_convert(
    quick, table, column, value, code, letter
):
    table.rows[1][column] = value
    path = table.write()

    result = quick("convert", path, *LAND, "--out", "xml", "--json")

    assert result.code == 1
    [error, *_] = result.json["errors"]
    assert error["code"] == code
    assert error["record"] == 2
    assert error["source"]["row"] == 3
    assert error["source"]["column"] == f"{letter} ({column})"
    good = len(table.rows) - 1
    assert (result.json["accepted"], result.json["rejected"]) == (good, 1)
    assert len(whole_documents(Path("xml"))) == good


def test_every_bad_value_of_a_record_is_reported_at_once(quick, table):
    spoilt = {"NgayTiepNhan": "31/02/2025", "TrangThai": "x", "LePhi": "mien", "MaThuTuc": "9"}
    table.rows[0] |= spoilt
    path = table.write()

    result = quick("convert", path, *LAND, "--json")

    columns = {error["source"]["column"].split("(")[1][:-1] for error in result.json["errors"]}
    assert columns == set(spoilt)
    assert result.json["rejected"] == 1


def test_a_dossier_that_stands_twice_with_other_data_is_told_with_its_first_row(quick, table):
    table.rows[2] = {**table.rows[0], "HoTen": "Le Van B (mau)"}
    path = table.write()

    result = quick("convert", path, *LAND, "--out", "xml", "--json")

    error = only_error(result)
    assert error["record"] == 3
    assert error["source"]["row"] == 4
    assert error["source"]["column"] is not None
    assert "already in row 2 of" in error["message"]
    assert len(whole_documents(Path("xml"))) == len(table.rows) - 1


def test_a_dossier_that_stands_twice_unchanged_is_a_warning(quick, table):
    table.rows[2] = dict(table.rows[0])
    path = table.write()

    result = quick("convert", path, *LAND, "--out", "xml", "--json")

    assert result.code == 0
    assert only_error(result)["severity"] == "warning"
    assert len(whole_documents(Path("xml"))) == len(table.rows) - 1


def test_an_agency_nobody_configured_is_told_with_the_one_that_was_meant(quick, table):
    result = quick("convert", table.write(), "-a", "land-registratoin", "--out", "xml")

    assert result.code == 2
    assert was_told(result, "agency.unknown")
    assert "did you mean 'land-registration'?" in result.err
    assert not Path("xml").exists()


# Files that want more than there is


NAMESPACE = 'xmlns="urn:mau:dang-ky-kinh-doanh"'
ENDLESS = {
    "csv": ("land-registration", "MaHoSoMotCua;MaThuTuc;NgayTiepNhan;TrangThai\n\"", "a"),
    "json": ("igate-one-stop", '{"data": [{"a": "', "a"),
    "json-space": ("igate-one-stop", '{"data": [', " "),
    "json-nest": ("igate-one-stop", '{"data": [', "["),
    "xml": ("business-registration", f"<DanhSachHoSo {NAMESPACE}><HoSo>", "a"),
    "xml-nest": ("business-registration", "", "<a>"),
    "utf-16": ("district-portalqh", "\ufeff" + "a\t" * 3, "a"),
}  # fmt: skip


@pytest.mark.parametrize("name", list(ENDLESS))
def test_an_endless_record_is_refused_in_bounded_memory(keyed, name):
    agency, head, filler = ENDLESS[name]
    encoding = "utf-16-le" if name == "utf-16" else "utf-8"
    chunk = (filler * MIB)[:MIB].encode(encoding)
    read, write = os.pipe()

    def feed():
        with suppressed_pipe(), os.fdopen(write, "wb") as pipe:
            pipe.write(head.encode(encoding))
            for _ in range(300):
                pipe.write(chunk)

    feeder = Thread(target=feed)
    feeder.start()
    with os.fdopen(read, "rb") as source:
        result, peak = keyed.measured("convert", "-", "-a", agency, "--json", stdin=source)
    feeder.join()

    assert result.code == 1
    assert result.json["accepted"] == 0
    assert result.json["errors"][0]["suggestion"]
    assert peak < MEMORY


class suppressed_pipe:  # noqa: N801 - reads like contextlib.suppress
    """The other side may have seen enough."""

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        return kind is not None and issubclass(kind, BrokenPipeError)


@pytest.mark.parametrize("agency", list(FILES))
def test_a_huge_file_of_nothing_is_refused_in_bounded_memory(keyed, agency):
    path = keyed.folder / "huge"
    with path.open("wb") as file:
        file.truncate(300 * MIB)

    result, peak = keyed.measured("convert", path, "-a", agency, "--json")

    assert result.code == 1
    assert result.json["accepted"] == 0
    assert result.json["errors"]
    assert peak < MEMORY


def test_a_zip_bomb_is_refused_in_bounded_memory(keyed, sample_set):
    bomb = keyed.folder / "bomb.xlsx"
    with (
        zipfile.ZipFile(sample_set.of("ward-civil-status").path) as good,
        zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as bad,
    ):
        for name in good.namelist():
            data = good.read(name)
            if name.endswith("sheet1.xml"):
                head, tail = data.split(b"</sheetData>")
                with bad.open(name, "w", force_zip64=True) as part:
                    part.write(head)
                    for _ in range(200):
                        part.write(b" " * MIB)
                    part.write(b"</sheetData>" + tail)
            else:
                bad.writestr(name, data)

    words = ("convert", bomb, "-a", "ward-civil-status", "--out", "xml", "--json")
    result, peak = keyed.measured(*words)

    assert result.code == 1
    last = result.json["errors"][-1]
    assert last["record"] is None
    assert last["suggestion"]
    assert peak < MEMORY


BOMB = (
    '<!DOCTYPE b [<!ENTITY a0 "ha">'
    + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
    + "]>"
)


@pytest.mark.parametrize("command", ["convert", "validate", "verify"])
def test_an_xml_bomb_is_refused_in_bounded_memory(keyed, command):
    path = keyed.folder / "bomb.xml"
    root = '<DanhSachHoSo xmlns="urn:mau:dang-ky-kinh-doanh"><HoSo>&a11;</HoSo></DanhSachHoSo>'
    path.write_text(f"<?xml version='1.0'?>{BOMB}{root}")
    words = (command, path, *(("-a", "business-registration") if command == "convert" else ()))

    result, peak = keyed.measured(*words)

    assert result.code == 1
    assert "DTD" in result.out + result.err or "DOCTYPE" in result.out + result.err
    assert "Traceback" not in result.err
    assert peak < MEMORY


# Keys


@pytest.fixture
def expired_keys(tmp_path):
    folder = tmp_path / "expired"
    make_development_pki(
        folder,
        agencies={"land-registration": ("000.15.29.H29", "Văn phòng Đăng ký đất đai")},
        now=datetime(2020, 1, 1, tzinfo=UTC),
        days=365,
        kind="ec",
    )
    return folder


def test_an_expired_certificate_stops_a_conversion_in_words(
    quick, table, expired_keys, monkeypatch
):
    monkeypatch.setenv("LIENTHONG_KEYS_DIR", str(expired_keys))

    result = quick("convert", table.write(), *LAND, "--out", "xml")

    assert result.code == 2
    assert was_told(result, "key.expired")
    assert whole_documents(Path("xml")) == []


def test_an_expired_certificate_holds_a_file_until_a_new_key_is_there(
    table, expired_keys, tmp_path, monkeypatch, quick
):
    """In one process: a worker that has met the old key must notice the new one."""
    monkeypatch.setenv("LIENTHONG_EXPANSION__RETRY_SECONDS", "1")
    monkeypatch.setenv("LIENTHONG_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("LIENTHONG_KEYS_DIR", str(expired_keys))
    installation = wiring.Installation(load_settings(file=None))
    path = table.write()
    with path.open("rb") as source, installation.open_broker() as broker:
        offer = Offer(
            source=source, file_name="t.csv", agency=LAND[1], door="file", sender="tester"
        )
        receive(
            offer,
            store=installation.store,
            broker=broker,
            clock=installation.clock,
        )
    held = expand_until(installation, lambda: troubles(installation))
    shown, told = quick("status", "--json"), quick("status", lang="vi")
    for kind in ("key", "cert"):
        (expired_keys / "agencies" / f"land-registration.{kind}.pem").unlink()
    make_development_pki(
        expired_keys,
        agencies={"land-registration": ("000.15.29.H29", "Văn phòng Đăng ký đất đai")},
        now=datetime.now(UTC),
        kind="ec",
    )
    expand_until(installation, lambda: not troubles(installation))

    [problem] = held[0].problems
    assert (held[0].state, problem.code) == ("held", "key.expired")
    [line] = shown.json["agencies"]
    assert line["troubled_files"][0]["errors"][0]["code"] == "key.expired"
    assert "đang chờ, sẽ được thử lại" in told.out
    assert "đã hết hạn ngày" in told.out
    with reading(installation.store) as connection:
        [counts] = count_agencies(connection)
    installation.store.dispose()
    assert counts.states[State.READY] == len(table.rows)


def troubles(installation):
    with reading(installation.store) as connection:
        return troubled_submissions(connection, vault=installation.store.vault)


def expand_until(installation, condition):
    """Run the workers of this installation until something holds, and return it."""
    stop = Event()
    workers = Workers(installation=installation, roles=[Role.EXPAND, Role.SWEEP], stop=stop)
    running = Thread(target=workers.run)
    running.start()
    deadline = time.monotonic() + 30
    try:
        while not (found := condition()):
            assert time.monotonic() < deadline
            time.sleep(0.1)
    finally:
        stop.set()
        running.join()
    return found


# Places that cannot be written or read


@pytest.mark.parametrize("out", ["plain/xml", "plain", "/proc/lienthong"])
def test_an_out_folder_that_cannot_be_is_told_before_the_work(quick, table, tmp_path, out):
    (tmp_path / "plain").write_text("a file")

    result = quick("convert", table.write(), *LAND, "--out", out, "--report", "r.json")

    assert result.code == 2
    assert was_told(result, "output.unwritable")
    assert out in result.err
    assert not Path("r.json").exists()


@pytest.mark.parametrize("report", ["plain/r.json", "folder", "missing/r.json", "/proc/r.json"])
def test_a_report_that_cannot_be_written_is_told_before_the_work(quick, table, tmp_path, report):
    (tmp_path / "plain").write_text("a file")
    (tmp_path / "folder").mkdir()

    result = quick("convert", table.write(), *LAND, "--out", "xml", "--report", report)

    assert result.code == 2
    assert was_told(result, "output.unwritable")
    assert report in result.err
    assert whole_documents(Path("xml")) == []
    assert list(Path("folder").iterdir()) == []


@pytest.mark.parametrize("option", ["--report", "--annotated"])
def test_a_pipe_or_device_is_not_replaced_by_a_file(quick, table, tmp_path, option):
    os.mkfifo(tmp_path / "pipe")

    result = quick("convert", table.write(), *LAND, option, "pipe")

    assert result.code == 2
    assert was_told(result, "output.unwritable")
    assert (tmp_path / "pipe").is_fifo()


def test_a_report_that_was_there_stays_until_the_new_one_is_whole(quick, table, tmp_path):
    (tmp_path / "r.json").write_text("before")

    result = quick("convert", table.write(), "-a", "nobody", "--report", "r.json")

    assert result.code == 2
    assert (tmp_path / "r.json").read_text() == "before"


@pytest.mark.parametrize("path", ["missing.csv", "folder"])
@pytest.mark.parametrize("command", ["convert", "submit", "validate", "verify", "sign"])
def test_an_input_that_cannot_be_opened_is_told(quick, tmp_path, path, command):
    (tmp_path / "folder").mkdir()
    needs_agency = command in ("convert", "submit", "sign")

    result = quick(command, path, *(LAND if needs_agency else ()))

    assert result.code == 2
    assert was_told(result, "file.unreadable")
    assert path in result.err


@pytest.mark.parametrize("command", ["convert", "submit", "verify"])
def test_an_input_that_breaks_while_it_is_read_is_told(quick, command):
    """Nothing is mapped at the beginning of a process: reading there is an input/output error."""
    needs_agency = command in ("convert", "submit")

    result = quick(command, "/proc/self/mem", *(LAND if needs_agency else ()))

    assert result.code == 1
    assert "Traceback" not in result.err
    assert "file.unreadable" in result.err + result.out


def limit_files(size):
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def test_a_disk_that_takes_no_more_leaves_nothing_half_written(keyed, table):
    result = keyed("convert", table.write(), *LAND, "--out", "xml", before=limit_files(4000))

    assert result.code == 2
    assert was_told(result, "output.unwritable")
    assert whole_documents(keyed.folder / "xml") == []


def test_a_report_that_grows_over_the_disk_leaves_no_report(keyed, table):
    for row in table.rows:
        row["TrangThai"] = "x" * 900
    path = table.write()

    words = ("convert", path, *LAND, "--report", "r.json")
    result = keyed(*words, before=limit_files(4000))

    assert result.code == 2
    assert was_told(result, "output.unwritable")
    assert [p.name for p in keyed.folder.iterdir() if p.name.endswith((".json", ".part"))] == []


def test_a_file_that_does_not_fit_the_store_is_not_taken_over(keyed, table):
    path = table.write()
    path.write_bytes(path.read_bytes() * 400)
    assert keyed("status").code == 0

    result = keyed("submit", path, *LAND, before=limit_files(MIB // 2))

    assert result.code != 0
    assert "Traceback" not in result.err
    assert "free disk space" in result.err.lower()
    assert keyed("status", "--json").json["agencies"] == []


@pytest.fixture
def tiny_disk(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = shutil.which("mount")
    options = ["-t", "tmpfs", "-o", "size=128k", "tmpfs", str(disk)]
    if mount is None or subprocess.run([mount, *options], check=False).returncode:
        pytest.skip("mounting is not allowed here")
    yield disk
    subprocess.run(["umount", disk], check=True)


@pytest.mark.parametrize("words", ["convert", "submit", "keys", "samples"])
def test_a_full_disk_is_told_in_words(keyed, table, tiny_disk, words):
    path = table.write()
    filler = tiny_disk / "filler"
    room = 0 if words == "keys" else 16 * 1024
    filler.write_bytes(b"x" * (os.statvfs(tiny_disk).f_bavail * 4096 - room))
    commands = {
        "convert": ("convert", path, *LAND, "--out", tiny_disk / "xml"),
        "submit": ("--data-dir", tiny_disk / "data", "submit", path, *LAND),
        "keys": ("keys", "make", "--out", tiny_disk / "keys"),
        "samples": ("sandbox", "samples", tiny_disk / "samples"),
    }

    result = keyed(*commands[words])

    assert result.code in (1, 2, 3)
    assert "Traceback" not in result.err
    assert "disk" in result.err
    if words == "convert":
        assert len(whole_documents(tiny_disk / "xml")) < len(table.rows)


def test_a_reader_that_goes_away_is_no_fault_of_ours(keyed, sample_set):
    read, write = os.pipe()
    os.close(read)

    words = ("convert", sample_set.of("land-registration").path, *LAND, "--json")
    with os.fdopen(write, "wb") as pipe:
        result = keyed(*words, stdout=pipe)

    assert result.code == 1
    assert result.err == ""


@pytest.mark.parametrize("words", [("convert", "table.csv", *LAND, "--json"), ("--help",)])
def test_standard_output_on_a_full_disk_is_told(keyed, table, words):
    table.write()

    with open("/dev/full", "wb") as full:
        result = keyed(*words, stdout=full)

    assert result.code == 2
    assert was_told(result, "system.failed")
    assert "No space left on device" in result.err


def test_standard_input_that_is_closed_is_told(keyed):
    result = keyed("convert", "-", *LAND, before=lambda: os.close(0))

    assert result.code == 2
    assert was_told(result, "file.unreadable")


def test_the_errors_of_a_file_are_json_even_when_it_is_hopeless(quick, tmp_path):
    (tmp_path / "x").write_bytes(bytes(range(256)) * 50)

    for agency in FILES:
        result = quick("convert", "x", "-a", agency, "--report", "r.json")

        assert result.code == 1
        assert json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))["errors"]
