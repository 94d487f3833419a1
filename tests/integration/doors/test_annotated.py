"""An agency gets its own file back with what is wrong in it, over HTTP and in its folder."""

import io
import json
import time
from importlib.resources import files
from urllib.parse import unquote

import openpyxl
import pytest
import xlwt
from sqlalchemy import update

from lienthong.doors.folder import FolderDoor
from lienthong.doors.given_back import NOTED
from lienthong.moving import Moving
from lienthong.samples import write_samples
from lienthong.store.tables import submissions

LAND = "land-registration"
WARD = "ward-civil-status"
IGATE = "igate-one-stop"
OLD = "old-ward"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    found = write_samples(tmp_path_factory.mktemp("samples"), dossiers=5)
    return {sample.agency: sample for sample in found.files}


@pytest.fixture
def at_work(make_here):
    here = make_here("[http]\nport = 0\n")
    here.installation.store.dispose()
    here.run("http,expand,sweep")
    return here


def until(condition, seconds=40):
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.1)
    return found


def read(here, sample, *, token):
    """Hand a file over, and return its address once it is read to the end."""
    name = sample.path.name
    taken = here.hand_over(
        sample.path.read_bytes(), token=token, agency=sample.agency, query=f"?file_name={name}"
    )
    where = taken.headers["Location"]
    until(lambda: here.ask(where, token=token).json["state"] == "expanded")
    return where


@pytest.mark.parametrize("agency", [LAND, WARD])
def test_a_submission_is_given_back_with_its_errors(at_work, samples, agency):
    token = at_work.token(agency)
    where = read(at_work, samples[agency], token=token)

    given = at_work.ask(f"{where}/annotated", token=token)

    assert given.status == 200
    name = unquote(given.headers["Content-Disposition"])
    stem, dot, ending = samples[agency].path.name.partition(".")
    assert name == f"attachment; filename*=UTF-8''{stem}.loi{dot}{ending}"
    assert given.headers["Cache-Control"] == "no-store"
    if agency == LAND:
        assert given.headers["Content-Type"].startswith("text/csv")
        assert given.body.count(b" -> ") >= 12
        fewer = at_work.ask(f"{where}/annotated?only_bad=1&lang=en", token=token)
        assert len(fewer.body) < len(given.body)
        assert b"Errors (Lienthong)" in fewer.body
    else:
        assert given.body.startswith(b"PK\x03\x04")


def test_a_format_without_room_for_notes_comes_as_a_list(at_work, samples):
    token = at_work.token(IGATE)
    where = read(at_work, samples[IGATE], token=token)

    given = at_work.ask(f"{where}/annotated", token=token)

    assert given.headers["Content-Type"] == "application/json"
    assert given.headers["Content-Disposition"].endswith(".json.loi.json")
    assert "không có chỗ cho ghi chú" in given.json["why"]["vi"]
    expected = {(e.record, e.code, e.field) for e in samples[IGATE].expected}
    assert {(e["record"], e["code"], e["field"]) for e in given.json["errors"]} == expected
    fewer = at_work.ask(f"{where}/annotated?errors_only=1", token=token).json
    severe = [e for e in given.json["errors"] if e["severity"] == "error"]
    assert fewer["errors"] == severe
    assert fewer["warnings_left_out"] == len(given.json["errors"]) - len(severe)


@pytest.fixture
def old_ward(tmp_path, samples):
    """Give the line of settings of a ward that has old workbooks, and one of them."""
    original = (files("mappings") / "agencies" / f"{WARD}.yaml").read_text("utf-8")
    mapping = original.replace("format: xlsx", "format: xls").replace(
        f"mapping: {WARD}", f"mapping: {OLD}"
    )
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / f"{OLD}.yaml").write_text(mapping, encoding="utf-8")
    sheet = openpyxl.load_workbook(samples[WARD].path)["Hộ tịch"]
    book = xlwt.Workbook()
    old = book.add_sheet("Hộ tịch")
    for cell in (cell for row in sheet.iter_rows() for cell in row):
        if cell.value is not None:
            style = xlwt.easyxf(num_format_str="dd/mm/yyyy hh:mm") if cell.is_date else None
            old.write(cell.row - 1, cell.column - 1, cell.value, *([style] if style else []))
    out = io.BytesIO()
    book.save(out)
    return f'mappings_dir = "{tmp_path / "site"}"\n', out.getvalue()


def test_an_old_workbook_is_given_back_as_a_new_one(make_here, old_ward):
    line, data = old_ward
    here = make_here(f"{line}[http]\nport = 0\n")
    here.installation.store.dispose()
    here.run("http,expand,sweep")
    token = here.token(OLD)
    taken = here.hand_over(data, token=token, agency=OLD, query="?file_name=thang-3.xls")
    where = taken.headers["Location"]
    until(lambda: here.ask(where, token=token).json["state"] == "expanded")

    given = here.ask(f"{where}/annotated", token=token)

    assert given.headers["Content-Type"] == XLSX
    assert given.headers["Content-Disposition"] == "attachment; filename*=UTF-8''thang-3.loi.xlsx"
    sheet = openpyxl.load_workbook(io.BytesIO(given.body))["Hộ tịch"]
    assert sum(cell.comment is not None for row in sheet.iter_rows() for cell in row) > 5


def test_an_old_workbook_comes_into_its_folder_as_a_new_one(make_here, old_ward, tmp_path):
    line, data = old_ward
    folder = tmp_path / "agencies" / OLD
    (folder / "in").mkdir(parents=True)
    here = make_here(f'{line}[folder]\npath = "{tmp_path / "agencies"}"\nunchanged_seconds = 0\n')
    (folder / "in" / "thang-3.xls").write_bytes(data)
    installation = here.installation
    door = FolderDoor(installation, publisher=Silent())
    door.step()
    door.step()
    expand(installation)
    door.step()

    [given] = (folder / "results" / "annotated").iterdir()
    assert given.name.startswith("thang-3.loi-")
    assert given.suffix == ".xlsx"
    assert given.read_bytes().startswith(b"PK\x03\x04")
    installation.store.dispose()


def test_who_may_not_have_it_is_told_why(here, samples):
    token = here.token()
    where = here.hand_over(samples[LAND].path.read_bytes(), token=token).headers["Location"]

    assert here.ask(f"{where}/annotated", token=here.token(WARD)).status == 403
    assert here.ask(f"{where}x/annotated", token=token).json["code"] == "http.submission_unknown"
    assert here.ask(f"{where}/annotated?lang=fr", token=token).json["code"] == "http.lang"
    assert here.ask(f"{where}/annotated?only_bad=2", token=token).status == 422
    assert here.ask(f"{where}/annotated?errors_only=x", token=token).status == 422
    early = here.ask(f"{where}/annotated", token=token)
    assert (early.status, early.json["code"]) == (409, "http.not_read_yet")
    assert early.headers["Retry-After"] == "5"

    installation = here.installation
    with installation.store.engine.begin() as connection:
        connection.execute(update(submissions).values(erased_at=installation.clock()))
    installation.store.dispose()
    gone = here.ask(f"{where}/annotated", token=token)
    assert (gone.status, gone.json["code"]) == (410, "http.erased")


def test_nothing_of_the_file_is_logged(at_work, samples):
    token = at_work.token()
    where = read(at_work, samples[LAND], token=token)
    given = at_work.ask(f"{where}/annotated", token=token)

    log = at_work.logged()

    assert given.status == 200
    assert "http.annotated" in log
    assert samples[LAND].path.stem not in log.replace(LAND, "")
    for problem in samples[LAND].expected:
        assert problem.dossier is None or problem.dossier not in log


class Silent:
    def publish(self, queue, messages):
        """The workers find it."""


@pytest.fixture
def shelf(make_here, tmp_path):
    root = tmp_path / "agencies"
    (root / LAND / "in").mkdir(parents=True)
    return make_here(f'[folder]\npath = "{root}"\nunchanged_seconds = 0\n'), root / LAND


def expand(installation):
    with installation.open_broker() as broker:
        expander = Moving(installation).make_expander(broker)
        while expander.step():
            pass


def test_a_folder_gets_the_file_back_once_it_is_read_to_its_end(shelf, samples):
    here, folder = shelf
    installation = here.installation
    (folder / "in" / "thang-3.csv").write_bytes(samples[LAND].path.read_bytes())
    door = FolderDoor(installation, publisher=Silent())
    door.step()
    door.step()

    expand(installation)
    door.step()

    [given] = (folder / "results" / "annotated").iterdir()
    assert given.name.startswith("thang-3.loi-")
    assert given.suffix == ".csv"
    assert given.read_bytes().count(b" -> ") >= 12
    assert not (folder / ".work" / NOTED).exists()
    before = given.stat().st_mtime_ns
    door.step()
    assert given.stat().st_mtime_ns == before
    installation.store.dispose()


def test_a_crash_before_the_file_is_given_back_leaves_it_noted(shelf, samples, monkeypatch):
    here, folder = shelf
    installation = here.installation
    (folder / "in" / "thang-3.csv").write_bytes(samples[LAND].path.read_bytes())
    door = FolderDoor(installation, publisher=Silent())
    door.step()
    door.step()
    expand(installation)

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(door._given_back, "_write", full)
        door.step()
    assert len(json.loads((folder / ".work" / NOTED).read_bytes())) == 1
    FolderDoor(installation, publisher=Silent()).step()

    assert len(list((folder / "results" / "annotated").iterdir())) == 1
    installation.store.dispose()


@pytest.mark.parametrize("damage", [b"", b"{", b"{}", b"[1, null]", b'["no-such-submission"]'])
def test_a_damaged_note_stops_nothing(shelf, damage):
    here, folder = shelf
    (folder / ".work").mkdir()
    (folder / ".work" / NOTED).write_bytes(damage)
    installation = here.installation

    FolderDoor(installation, publisher=Silent()).step()

    assert not (folder / "results" / "annotated").exists()
    installation.store.dispose()
