"""`convert` with the six agencies' files: the report's shape, every error at its place, the XML."""

import io
import json
import re
import shutil
import subprocess
from dataclasses import asdict
from pathlib import Path

import openpyxl
import pytest
import xlwt

import schemas
from adapters import SourceRecord, read_records
from lienthong.flows.convert import safe_name
from lienthong.samples import SampleFile, generate_large_csv
from mappings import load_agencies
from mappings.tables import packaged

AGENCIES = [
    "business-registration",
    "district-portalqh",
    "health-department",
    "igate-one-stop",
    "land-registration",
    "ward-civil-status",
]
CODES = {
    "business-registration": "000.00.17.H29",
    "district-portalqh": "000.00.30.H29",
    "health-department": "000.00.15.H29",
    "igate-one-stop": "H29.14",
    "land-registration": "000.15.29.H29",
    "ward-civil-status": "000.26.79.H29",
}
VIETNAMESE = set("ăâđêôơưạảãáàẵặắằẳẫậấầẩệếềểễịỉĩíìọỏõóòộốồổỗợớờởỡụủũúùựứừửữỵỷỹýỳẹẻẽéè")


class Converted:
    """What one run of the command left behind."""

    def __init__(self, sample: SampleFile, folder: Path, result):
        self.sample = sample
        self.folder = folder
        self.result = result
        self.report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
        self.documents = sorted((folder / "xml").iterdir())


@pytest.fixture(scope="session")
def conversions(sample_set, keys, tmp_path_factory, run_in):
    """The command, once for each agency's file."""
    made = {}
    for sample in sample_set.files:
        folder = tmp_path_factory.mktemp(sample.agency)
        words = ("convert", sample.path, "--agency", sample.agency)
        result = run_in(folder, keys)(*words, "--out", "xml", "--report", "report.json")
        made[sample.agency] = Converted(sample, folder, result)
    return made


@pytest.fixture(params=AGENCIES)
def converted(request, conversions):
    return conversions[request.param]


def test_seeded_errors_end_in_exit_code_1_and_counts(converted):
    sample, result = converted.sample, converted.result

    assert result.code == 1
    bad = len(sample.bad_records)
    assert bad == 12
    counts = f"{sample.records} records: {sample.records - bad} accepted, {bad} rejected"
    assert result.out.splitlines()[0] == counts
    assert result.out.splitlines()[1] == f"{len(converted.documents)} XML documents in xml"
    assert result.out.splitlines()[2] == "Report: report.json"
    assert result.err == ""


def test_the_report_has_exactly_the_promised_shape(converted):
    report, sample = converted.report, converted.sample

    assert list(report) == [
        "file", "agency", "mapping", "records", "accepted", "rejected", "left_out",
        "warnings_left_out", "groups", "errors",
    ]  # fmt: skip
    assert report["warnings_left_out"] == 0
    assert report["file"] == sample.path.name
    assert report["agency"] == CODES[sample.agency]
    assert list(report["mapping"]) == ["name", "version"]
    assert report["mapping"]["name"] == sample.agency
    assert report["mapping"]["version"] >= 1
    assert report["records"] == sample.records
    assert report["accepted"] == sample.records - 12
    assert (report["rejected"], report["left_out"]) == (12, 0)
    for error in report["errors"]:
        assert list(error) == [
            "code", "severity", "message", "record", "dossier", "source", "field", "value",
            "suggestion", "for_integrator",
        ]  # fmt: skip
        assert list(error["source"]) == ["file", "sheet", "row", "column", "line", "path"]
        assert error["severity"] in ("error", "warning")
        assert error["message"]
        assert error["suggestion"] is None or error["suggestion"]


def test_a_second_row_of_a_dossier_names_the_first_as_its_agency_does(conversions):
    def told(agency):
        return [
            error["message"]
            for error in conversions[agency].report["errors"]
            if error["code"] == "dossier.duplicate"
        ]

    in_sheet, in_list = told("ward-civil-status"), told("igate-one-stop")
    assert in_sheet
    assert in_list
    pattern = "This dossier stands already in {} of the same file, with other content"
    row = pattern.format(r"sheet [^,]+, row \d+")
    entry = pattern.format(r"data\[\d+\]")
    assert [message for message in in_sheet if not re.fullmatch(row, message)] == []
    assert [message for message in in_list if not re.fullmatch(entry, message)] == []


def test_every_seeded_error_is_at_its_place_and_no_other_is_there(converted):
    expected = [
        {
            "record": error.record,
            "code": error.code,
            "field": error.field,
            "source": {**asdict(error.place), "line": None},
        }
        for error in converted.sample.expected
    ]
    found = [
        {
            "record": error["record"],
            "code": error["code"],
            "field": error["field"],
            "source": {**error["source"], "line": None},
        }
        for error in converted.report["errors"]
    ]

    assert sorted(map(str, found)) == sorted(map(str, expected))


def test_the_line_of_a_finding_is_the_line_an_editor_shows(conversions):
    """A quoted line break makes rows and lines differ; both are given."""
    converted = conversions["land-registration"]
    lines = converted.sample.path.read_bytes().split(b"\n")

    for error in converted.report["errors"]:
        dossier = error["dossier"]
        if dossier is not None and error["source"]["line"] is not None:
            assert dossier.encode() in lines[error["source"]["line"] - 1]


def test_every_document_is_valid_by_the_published_schema(converted):
    version = load_agencies(None).get(converted.sample.agency).schema.name.replace("-", "_")
    schema = Path(schemas.__file__).parent / version / "messages.xsd"

    done = subprocess.run(
        ["xmllint", "--noout", "--nonet", "--schema", schema, *converted.documents],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert done.stderr.count(" validates") == len(converted.documents)


def test_every_document_verifies(converted, quick):
    for document in converted.documents[::4]:
        result = quick("verify", document, "--json")

        assert result.code == 0, result.out
        assert result.json["signed"] == "BanTin"
        assert result.json["trusted"]
        assert result.json["signer"]["agency_code"] == CODES[converted.sample.agency]
        assert result.json["reasons"] == result.json["errors"] == []


def test_a_document_verifies_by_the_command_as_a_user_types_it(conversions, keyed):
    converted = conversions["land-registration"]

    result = keyed("verify", converted.documents[0])

    assert result.code == 0
    assert "Văn phòng Đăng ký đất đai" in result.out
    assert ["Valid", "yes"] in [line.split() for line in result.out.splitlines()]


def test_every_good_dossier_has_a_document_named_after_it(converted):
    names = {path.name for path in converted.documents}

    assert {f"{safe_name(code)}.xml" for code in converted.sample.dossiers} <= names
    bad = {error.dossier for error in converted.sample.expected} - {None}
    assert not {f"{safe_name(code)}.xml" for code in bad - set(converted.sample.dossiers)} & names
    assert not [name for name in names if name.startswith(".")]


def test_converting_again_into_the_same_folder_gives_the_same_names(conversions, quick, tmp_path):
    converted = conversions["business-registration"]
    shutil.copytree(converted.folder / "xml", tmp_path / "xml")
    before = sorted(path.name for path in (tmp_path / "xml").iterdir())

    words = ("convert", converted.sample.path, "-a", "business-registration", "--out", "xml")
    again = quick(*words)

    assert again.code == 1
    assert sorted(path.name for path in (tmp_path / "xml").iterdir()) == before


def test_report_on_standard_output_is_the_report_and_nothing_else(conversions, quick):
    converted = conversions["igate-one-stop"]

    result = quick("convert", converted.sample.path, "-a", "igate-one-stop", "--report", "-")

    assert result.code == 1
    assert result.json == converted.report


@pytest.mark.parametrize("report", [(), ("--report", "-"), ("--report", "r.json")])
def test_json_is_one_document_on_standard_output(conversions, quick, report):
    converted = conversions["health-department"]

    words = ("convert", converted.sample.path, "-a", "health-department", "--json", *report)
    result = quick(*words)

    assert result.code == 1
    assert result.json == converted.report


@pytest.mark.parametrize(
    "agency", ["business-registration", "district-portalqh", "igate-one-stop", "land-registration"]
)
def test_a_stream_on_standard_input_converts_the_same(conversions, quick, agency):
    converted = conversions[agency]

    words = ("convert", "-", "-a", agency, "--report", "-", "--out", "xml")
    result = quick(*words, stdin=converted.sample.path.read_bytes())

    assert result.code == 1
    assert result.json["file"] == "-"
    counts = ("records", "accepted", "rejected")
    assert [result.json[name] for name in counts] == [converted.report[name] for name in counts]
    places = [error["source"]["row"] for error in result.json["errors"]]
    assert places == [error["source"]["row"] for error in converted.report["errors"]]
    names = [path.name for path in converted.documents]
    assert sorted(path.name for path in Path("xml").iterdir()) == names


def test_a_pipe_gives_a_workbook_too_or_says_that_it_cannot(conversions, keyed):
    """A workbook's directory stands at its end; a real pipe cannot go back."""
    converted = conversions["ward-civil-status"]

    words = ("convert", "-", "-a", "ward-civil-status", "--json")
    result = keyed(*words, stdin=converted.sample.path.read_bytes())

    assert result.code == 1
    if result.json["records"]:
        assert result.json["accepted"] == converted.report["accepted"]
    else:
        [error] = result.json["errors"]
        assert error["suggestion"]


def test_vietnamese_is_spoken_when_asked_for(converted, quick):
    sample = converted.sample

    words = ("convert", sample.path, "-a", sample.agency, "--report", "r.json")
    result = quick(*words, lang="vi")
    errors = json.loads(Path("r.json").read_text(encoding="utf-8"))["errors"]

    bad = len(sample.bad_records)
    first = f"{sample.records} bản ghi: {sample.records - bad} đạt, {bad} bị từ chối"
    assert result.out.splitlines()[:2] == [first, "Báo cáo lỗi: r.json"]
    plain = [e["message"] for e in errors if not VIETNAMESE & set(e["message"].lower())]
    assert plain == []
    same = zip(errors, converted.report["errors"], strict=True)
    assert [vi["code"] for vi, en in same if vi["message"] == en["message"]] == []


def test_a_clean_file_ends_in_exit_code_0(quick, tmp_path):
    rows = generate_large_csv(tmp_path / "clean.csv", size_bytes=20_000)

    result = quick("convert", "clean.csv", "-a", "land-registration", "--json")

    assert result.code == 0
    assert result.json["accepted"] == result.json["records"] == rows
    assert result.json["errors"] == []


def test_the_records_that_are_read_are_the_records_that_are_counted(converted):
    agency = load_agencies(None).get(converted.sample.agency)
    with converted.sample.path.open("rb") as source:
        read = sum(1 for _ in read_records(source, file_name="f", options=agency.source))

    assert read == converted.report["records"]


@pytest.mark.parametrize("agency", ["district-portalqh", "land-registration", "ward-civil-status"])
def test_the_annotated_copy_reads_back_to_the_same_records(conversions, quick, agency):
    sample = conversions[agency].sample
    options = load_agencies(None).get(agency).source

    quick("convert", sample.path, "-a", agency, "--annotated", "loi", lang="vi")

    with sample.path.open("rb") as before, Path("loi").open("rb") as after:
        pairs = zip(
            read_records(before, file_name="f", options=options),
            read_records(after, file_name="f", options=options),
            strict=True,
        )
        for old, new in pairs:
            if isinstance(old, SourceRecord):
                assert (old.number, old.place) == (new.number, new.place)
                assert dict(old.values).items() <= dict(new.values).items()
            else:
                assert [p.code for p in old.problems] == [p.code for p in new.problems]


def test_the_annotated_csv_is_the_files_own_bytes_with_every_error_in_its_row(conversions, quick):
    converted = conversions["land-registration"]

    quick("convert", converted.sample.path, "-a", "land-registration", "--annotated", "loi.csv")

    lines = converted.sample.path.read_bytes().split(b"\n")
    copied = Path("loi.csv").read_bytes().split(b"\n")
    added = []
    for line, copy in zip(lines, copied, strict=True):
        assert copy.startswith(line.removesuffix(b"\r"))
        added.append(copy[len(line.removesuffix(b"\r")) :])
    for error in converted.report["errors"]:
        # A row of several lines has it in its last one.
        assert b"->" in b"".join(added[error["source"]["line"] - 1 :][:3])


def test_only_bad_rows_are_in_the_copy_when_asked_for(conversions, quick):
    converted = conversions["land-registration"]

    words = ("convert", converted.sample.path, "-a", "land-registration", "--only-bad")
    quick(*words, "--annotated", "loi.csv")

    rows = {error["source"]["row"] for error in converted.report["errors"]}
    assert Path("loi.csv").read_bytes().count(b"\n") >= len(rows)
    assert Path("loi.csv").stat().st_size < converted.sample.path.stat().st_size


@pytest.mark.parametrize("agency", ["business-registration", "igate-one-stop"])
def test_a_format_without_room_for_notes_gets_a_list_that_says_so(conversions, quick, agency):
    converted = conversions[agency]

    result = quick("convert", converted.sample.path, "-a", agency, "--annotated", "loi.json")

    listed = json.loads(Path("loi.json").read_text(encoding="utf-8"))
    assert "no place for notes" in result.err
    assert "no place for notes" in listed["why"]["en"]
    places = [(e["code"], e["source"].get("path")) for e in listed["errors"]]
    assert places == [(e["code"], e["source"]["path"]) for e in converted.report["errors"]]
    assert sum(group["count"] for group in listed["groups"]) == len(listed["errors"])


def test_an_old_workbook_comes_as_a_new_one_and_the_name_that_it_needs_is_told(quick):
    text = packaged("agencies", "ward-civil-status.yaml").read_text(encoding="utf-8")
    Path("old.yaml").write_text(text.replace("format: xlsx", "format: xls"), encoding="utf-8")
    book = xlwt.Workbook()
    sheet = book.add_sheet("Hộ tịch")
    for column, name in enumerate(["Số hồ sơ", "Mã thủ tục", "Ngày tiếp nhận", "Trạng thái"]):
        sheet.write(3, column, name)
        sheet.write(4, column, "=1+1")
    book.save("thang-3.xls")

    result = quick("convert", "thang-3.xls", "-a", "old.yaml", "--annotated", "loi.xls")

    assert "this is the file as .xlsx" in result.err
    assert "rename it to end in .xlsx" in result.err
    sheet = openpyxl.load_workbook(io.BytesIO(Path("loi.xls").read_bytes()))["Hộ tịch"]
    assert (sheet["C5"].value, sheet["C5"].data_type) == ("=1+1", "s")
    assert "expected a date" in sheet["C5"].comment.text


def test_standard_input_is_annotated_too(conversions, quick):
    converted = conversions["land-registration"]
    words = ("convert", "-", "-a", "land-registration", "--annotated", "loi.csv")

    quick(*words, stdin=converted.sample.path.read_bytes())

    assert Path("loi.csv").stat().st_size > converted.sample.path.stat().st_size


def test_the_file_that_is_read_is_never_written_over(conversions, quick):
    sample = conversions["land-registration"].sample
    before = sample.path.read_bytes()

    result = quick("convert", sample.path, "-a", "land-registration", "--annotated", sample.path)

    assert result.code == 2
    assert "--annotated" in result.err
    assert sample.path.read_bytes() == before


def test_the_groups_of_a_report_count_its_errors(converted):
    groups = converted.report["groups"]

    assert sum(group["count"] for group in groups) == len(converted.report["errors"])
    assert all(group["suggestion"] for group in groups)
    assert all(group["places"] for group in groups)


def test_warnings_are_left_out_and_counted_where_only_errors_are_wanted(conversions, quick):
    converted = conversions["land-registration"]
    doubled = converted.sample.path.read_bytes()
    head, _, rows = doubled.partition(b"\n")
    # Every row once more: the good ones are repeats, which is a warning.
    Path("hai.csv").write_bytes(head + b"\n" + rows + rows)
    words = ("convert", "hai.csv", "-a", "land-registration", "--annotated", "loi.csv")

    every = quick(*words, "--report", "-").json
    copy = Path("loi.csv").read_bytes()
    fewer = quick(*words, "--report", "-", "--errors-only").json
    shown = quick(*words, "--errors-only").out

    warnings = [e for e in every["errors"] if e["severity"] == "warning"]
    assert warnings
    assert fewer["errors"] == [e for e in every["errors"] if e["severity"] == "error"]
    assert {group["severity"] for group in fewer["groups"]} == {"error"}
    assert fewer["warnings_left_out"] == len(warnings)
    assert f"{len(warnings)} warnings are not shown (--errors-only)" in shown
    assert "dossier.repeated" not in shown
    assert copy.count(b"unchanged") == len(warnings)
    assert b"unchanged" not in Path("loi.csv").read_bytes()


def test_a_file_of_paths_says_which_dossier_each_finding_is_about(quick, sample_set, tmp_path):
    sample = sample_set.of("igate-one-stop").path
    words = ("convert", sample, "-a", "igate-one-stop")

    shown = quick(*words, "--annotated", "loi.json", lang="vi").out
    report = quick(*words, "--report", "-").json

    listed = json.loads(Path("loi.json").read_text(encoding="utf-8"))
    [(code, path)] = [
        (error["dossier"], error["source"]["path"])
        for error in report["errors"]
        if error["code"] == "mapping.date_invalid"
    ][:1]
    assert f"{path}, hồ sơ {code}: " in shown
    assert [e["dossier"] for e in listed["errors"]] == [e["dossier"] for e in report["errors"]]
    nobodys = [e for e in report["errors"] if e["dossier"] is None]
    assert {(e["code"], e["field"]) for e in nobodys} == {
        ("json.not_object", None),
        ("mapping.field_missing", "MaHoSo"),
        ("mapping.not_a_value", "MaHoSo"),
    }


def test_a_failing_conversion_logs_no_value(conversions, quick):
    """Every value that a finding quotes is the agency's; a log line has codes and places only."""
    for converted in conversions.values():
        sample = converted.sample

        result = quick("--verbose", "convert", sample.path, "-a", sample.agency, "--report", "r")

        values = {e["value"] for e in converted.report["errors"] if e["value"]}
        assert values
        assert [value for value in values if len(value) > 3 and value in result.err] == []


def test_a_mapping_is_tried_by_its_path_before_it_is_installed(quick, sample_set, tmp_path):
    text = packaged("agencies", "land-registration.yaml").read_text(encoding="utf-8")
    changed = text.replace("version: 3", "version: 7")
    (tmp_path / "moi.yaml").write_text(changed, encoding="utf-8")
    sample = sample_set.of("land-registration").path

    done = quick("convert", sample, "--agency", tmp_path / "moi.yaml", "--json")
    unknown = quick("convert", sample, "--agency", "dat-dai-moi")

    assert done.json["mapping"] == {"name": "land-registration", "version": 7}
    assert done.json["rejected"] == 12
    assert unknown.code == 2
    assert "mappings_dir" in unknown.err
