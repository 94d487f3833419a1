"""
Every sample file through the whole conversion: what is good comes out signed and valid, what was
spoilt is reported with its code at its place, and nothing else is said.
"""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from io import StringIO

import pytest

from adapters import read_records
from lienthong.agencies import make_agency
from lienthong.flows.convert import OutFolder, Report, convert_file
from lienthong.samples import generate_large_csv, write_samples
from mappings import load_agencies
from schemas.problem import Language, Place
from schemas.validation import Validator
from signing import XadesSigner, load_pem, make_development_pki

AGENCIES = [
    "business-registration",
    "district-portalqh",
    "health-department",
    "igate-one-stop",
    "land-registration",
    "ward-civil-status",
]
NOW = datetime(2026, 6, 1, 8, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def samples(tmp_path_factory):
    return write_samples(tmp_path_factory.mktemp("samples"))


@pytest.fixture(scope="session")
def signer(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    pki = make_development_pki(folder, agencies={"mau": ("H29", "Mẫu")}, now=NOW, kind="ec")
    files = pki.agencies["mau"]
    return XadesSigner(load_pem(files.key, files.certificate, passphrase=None))


@pytest.fixture(scope="session")
def converters():
    return load_agencies(None)


@pytest.fixture(scope="session", params=AGENCIES)
def converted(request, samples, signer, converters, tmp_path_factory):
    """The sample of one agency, the counts, the findings and the folder of documents."""
    sample = samples.of(request.param)
    agency = make_agency(converters.get(sample.agency), signer=signer)
    out = tmp_path_factory.mktemp("out")
    with (
        sample.path.open("rb") as source,
        Report(file_name=sample.path.name, agency=agency, language=Language.VI) as report,
    ):
        totals = convert_file(
            source,
            file_name=sample.path.name,
            agency=agency,
            out=OutFolder(out),
            report=report,
            clock=lambda: NOW,
        )
        text = StringIO()
        report.write(text, totals)
    return sample, totals, json.loads(text.getvalue())["errors"], out


def test_every_seeded_error_is_reported_and_nothing_else(converted):
    sample, _, findings, _ = converted

    expected = [
        (error.record, error.code, error.field, str(error.place)) for error in sample.expected
    ]
    found = [
        (found["record"], found["code"], found["field"], str(Place(**found["source"])))
        for found in findings
    ]
    assert sorted(map(str, found)) == sorted(map(str, expected))


def test_a_finding_names_its_dossier_where_it_can(converted):
    sample, _, findings, _ = converted

    known = {error.record: error.dossier for error in sample.expected}
    wrong = [
        (found["record"], found["dossier"], known[found["record"]])
        for found in findings
        if found["dossier"] not in (None, known[found["record"]])
    ]
    assert wrong == []


def test_every_good_record_is_accepted(converted):
    sample, totals, _, _ = converted

    assert totals.is_whole
    assert totals.records == sample.records
    assert totals.rejected == len(sample.bad_records) == 12
    assert totals.accepted == sample.records - 12


def test_every_good_dossier_has_a_valid_signed_document(converted, converters):
    sample, totals, _, out = converted
    validator = Validator(converters.get(sample.agency).schema)

    documents = {path.name: path.read_bytes() for path in out.iterdir()}

    assert len(documents) == totals.documents
    assert {f"{code}.xml" for code in sample.dossiers} <= set(documents)
    assert [name for name, document in documents.items() if validator.problems(document)] == []
    assert all(b"<ds:Signature " in document for document in documents.values())


@pytest.mark.parametrize(
    ("agency", "field"),
    [
        ("ward-civil-status", "ChuHoSo"),
        ("land-registration", "ChuHoSo"),
        ("district-portalqh", "ThongTinKhac"),
    ],
)
def test_values_come_out_as_vietnamese(samples, converters, agency, field):
    sample, converter = samples.of(agency), converters.get(agency)
    with sample.path.open("rb") as source:
        records = list(read_records(source, file_name=sample.path.name, options=converter.source))

    values = [
        event.values[field]
        for record in records
        if record.number not in sample.bad_records
        for event in converter.convert(record).events
    ]

    letters = Counter("".join(values))
    assert letters["ẫ"] >= 250
    assert not letters.keys() & set("&#;µ®¹")


def test_progress_rows_keep_the_order_of_their_steps(samples, converters):
    sample, converter = samples.of("igate-one-stop"), converters.get("igate-one-stop")
    with sample.path.open("rb") as source:
        records = list(read_records(source, file_name=sample.path.name, options=converter.source))

    for record in records:
        if record.number in sample.bad_records:
            continue
        dossier, *steps = converter.convert(record).events
        times = [step.values["ThoiDiemXuLy"] for step in steps]
        assert times == sorted(times)
        assert times[0] == dossier.values["NgayTiepNhan"]
        assert steps[-1].values["TrangThai"] == dossier.values["TrangThaiHoSo"]


def test_the_large_table_converts_without_a_finding(tmp_path, converters):
    path = tmp_path / "large.csv"
    rows = generate_large_csv(path, size_bytes=1_000_000)
    converter = converters.get("land-registration")

    with path.open("rb") as source:
        events = [
            event
            for record in read_records(source, file_name=path.name, options=converter.source)
            for event in converter.convert(record).events
        ]

    assert len({event.dossier_code for event in events}) == len(events) == rows
