"""What of a record may go into an index: of any length it comes, nothing is lost by it."""

import secrets
from dataclasses import replace
from datetime import UTC, datetime

from adapters import SourceRecord, UnreadableRecord
from lienthong.conversion import LONGEST_INDEXED, Pipeline, indexable, stored_key
from mappings import load_agencies
from mappings.converter import Converter
from schemas.problem import Place, Problem, Text

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
ROW = {
    "MaHoSoMotCua": "000.15.29.H29-250303-0043",
    "LanCapNhat": "1",
    "MaThuTuc": "1.012783",
    "HoTen": "Trần Văn Mẫu",
    "NgayTiepNhan": "03/03/2025",
    "TrangThai": "Mới tiếp nhận",
}
COLUMNS = {name: f"{letter} ({name})" for letter, name in zip("ABCDEF", ROW, strict=True)}


class NoSigner:
    """Signs nothing: what is refused must not come so far."""


def careless(name, **changes):
    """Return a mapping that judges one field less strictly than the schema does."""
    file = load_agencies(None).get("land-registration")._file
    group = file.schema.packets["DongBoHoSoMC"]
    fields = {**group.fields, name: replace(group.fields[name], **changes)}
    packets = {**file.schema.packets, "DongBoHoSoMC": replace(group, fields=fields)}
    # The validator reads the schema's own files, which are as they were.
    return Converter(replace(file, schema=replace(file.schema, packets=packets)))


def prepare(converter, **changes):
    record = SourceRecord(
        number=3, values=ROW | changes, place=Place(file="t.csv", row=4, line=4), columns=COLUMNS
    )
    return Pipeline(converter, signer=NoSigner()).prepare(record, now=NOW)


def test_what_only_the_schema_finds_is_told_at_the_cell():
    prepared = prepare(careless("ChuHoSo", max_length=None), HoTen="x" * 3_000)

    [problem] = prepared.problems
    assert prepared.events == ()
    assert problem.code == "schema.too_long"
    assert problem.field == "ChuHoSo"
    assert problem.place == Place(file="t.csv", row=4, line=4, column="D (HoTen)")
    assert problem.value == "x" * 200
    assert problem.suggestion.vi
    assert problem.suggestion.en


def test_a_long_event_key_identifies_what_it_did_before():
    key = secrets.token_hex(LONGEST_INDEXED)

    assert len(stored_key(key)) < LONGEST_INDEXED
    assert stored_key(key) == stored_key(key)
    assert stored_key(key) != stored_key(key + "x")


def test_a_usual_event_key_stays_as_it_is():
    assert stored_key("sk-0000043-1") == "sk-0000043-1"


def test_a_text_too_long_for_a_code_is_none():
    assert indexable("0" * (LONGEST_INDEXED + 1)) is None
    assert indexable("H29.14-250707-0043\x1fland") is None
    assert indexable("H29.14-250707-0043") == "H29.14-250707-0043"


def dossiers(prepared):
    assert prepared.problems
    return {problem.dossier for problem in prepared.problems}


def test_every_finding_says_which_dossier_it_is_about():
    converter = load_agencies(None).get("land-registration")

    prepared = prepare(converter, TrangThai="?", NgayTiepNhan="31/02/2024")

    assert len(prepared.problems) == 2
    assert dossiers(prepared) == {"000.15.29.H29-250303-0043"}


def test_what_the_schema_finds_says_which_dossier_it_is_about():
    prepared = prepare(careless("ChuHoSo", max_length=None), HoTen="x" * 3_000)

    assert dossiers(prepared) == {"000.15.29.H29-250303-0043"}


def test_a_code_that_is_refused_is_told_as_it_stands_and_indexed_nowhere():
    converter = load_agencies(None).get("land-registration")

    prepared = prepare(converter, MaHoSoMotCua=" so 43 " + "x" * 3_000)

    assert prepared.dossier_code is None
    assert dossiers(prepared) == {"so 43 " + "x" * 194}


def test_a_row_that_cannot_be_read_says_whose_it_is_where_that_can_be_read():
    converter = load_agencies(None).get("land-registration")
    place = Place(file="t.csv", row=4)
    problem = Problem(code="xls.cell_error", message=Text(vi="lỗi", en="error"), place=place)
    row = UnreadableRecord(number=3, problems=[problem], values={"MaHoSoMotCua": "X-1"})
    nobody = UnreadableRecord(number=3, problems=[problem])
    pipeline = Pipeline(converter, signer=NoSigner())

    assert dossiers(pipeline.prepare(row, now=NOW)) == {"X-1"}
    assert pipeline.prepare(row, now=NOW).dossier_code is None
    assert dossiers(pipeline.prepare(nobody, now=NOW)) == {None}
