"""
Every sample file through the whole conversion: what is good comes out signed and valid with the
values that were written apart from the mapping, what was spoilt is reported with its code at its
place, and nothing else is said.
"""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters import read_records
from lienthong.flows.convert import OutFolder
from lienthong.samples import generate_large_csv, write_profiles, write_samples
from lienthong.testing.sample_runs import judge, run_sample
from mappings import load_agencies
from schemas.validation import Validator
from signing import XadesSigner, load_pem, make_development_pki

FIRST = [
    "business-registration",
    "district-portalqh",
    "health-department",
    "igate-one-stop",
    "land-registration",
    "ward-civil-status",
]
LATER = [
    "criminal-record",
    "lgsp-documents",
    "ministry-profile",
    "opencps-one-stop",
    "provincial-portal-td",
    "school-enrolment",
    "social-insurance",
    "transport",
]
BAD = dict.fromkeys(FIRST, 12) | dict.fromkeys(LATER, 13)
SEEDS = [2020, 7]
NOW = datetime(2026, 6, 1, 8, 0, tzinfo=UTC)
ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="session")
def sets(tmp_path_factory):
    """Both sets of samples by their seed."""
    return {
        seed: (write_samples(folder, seed=seed), write_profiles(folder, seed=seed))
        for seed in SEEDS
        for folder in (tmp_path_factory.mktemp(f"samples-{seed}"),)
    }


@pytest.fixture(scope="session")
def samples(sets):
    return sets[2020][0]


@pytest.fixture(scope="session")
def signer(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    pki = make_development_pki(folder, agencies={"mau": ("H29", "Mẫu")}, now=NOW, kind="ec")
    files = pki.agencies["mau"]
    return XadesSigner(load_pem(files.key, files.certificate, passphrase=None))


@pytest.fixture(scope="session")
def converters():
    return load_agencies(None)


@pytest.fixture(
    scope="session",
    params=[(agency, seed) for seed in SEEDS for agency in BAD],
    ids=lambda param: f"{param[0]}-{param[1]}",
)
def converted(request, sets, signer, converters, tmp_path_factory):
    """The run of one agency's sample, and the folder of its documents."""
    agency, seed = request.param
    first, later = sets[seed]
    out = tmp_path_factory.mktemp("out")
    run = run_sample(
        (first if agency in FIRST else later).of(agency),
        converter=converters.get(agency),
        signer=signer,
        now=NOW,
        out=OutFolder(out),
    )
    return run, out


def test_every_good_record_has_the_values_that_were_written_apart(converted):
    values = judge(converted[0]).values

    assert values.differences == ()
    assert values.right == values.fields > 2000


def test_no_good_record_has_a_field_that_nobody_expects(converted):
    assert judge(converted[0]).values.unnamed == ()


def test_every_seeded_error_is_reported_at_its_place_and_nothing_else(converted):
    judgement = judge(converted[0])

    assert judgement.missed == ()
    assert judgement.false_alarms == ()
    assert judgement.found == len(converted[0].sample.expected) >= 13


def test_a_finding_names_its_dossier_where_it_can(converted):
    run, _ = converted

    # Where the code itself is what is wrong, the finding has what stands in its place.
    known = {error.record: error.dossier for error in run.sample.expected if error.dossier}
    wrong = [
        (found["record"], found["dossier"], known[found["record"]])
        for found in run.errors
        if found["record"] in known and found["dossier"] not in (None, known[found["record"]])
    ]
    assert wrong == []


def test_every_good_record_is_accepted(converted):
    run, _ = converted
    sample, totals = run.sample, run.totals

    assert totals.is_whole
    assert totals.records == sample.records
    assert totals.rejected == len(sample.bad_records) == BAD[sample.agency]
    assert totals.accepted == len(sample.truth) == sample.records - BAD[sample.agency]


def test_every_good_dossier_has_a_valid_signed_document(converted, converters):
    run, out = converted
    validator = Validator(converters.get(run.sample.agency).schema)

    documents = {path.name: path.read_bytes() for path in out.iterdir()}

    assert len(documents) == run.totals.documents
    assert {f"{code}.xml" for code in run.sample.dossiers} <= set(documents)
    assert [name for name, document in documents.items() if validator.problems(document)] == []
    assert all(b"<ds:Signature " in document for document in documents.values())


def judge_spoilt(samples, signer, folder, *, old, new):
    """Judge the land registration with one place of its mapping changed."""
    name = "land-registration"
    packaged = (ROOT / "mappings" / "agencies" / f"{name}.yaml").read_text("utf-8")
    assert packaged.count(old) == 1
    (folder / f"{name}.yaml").write_text(packaged.replace(old, new), encoding="utf-8")
    converter = load_agencies(folder).get(name)
    return judge(run_sample(samples.of(name), converter=converter, signer=signer, now=NOW))


def test_one_wrong_code_in_a_mapping_shows_in_the_values(samples, signer, tmp_path):
    judgement = judge_spoilt(
        samples, signer, tmp_path, old='"Chờ nộp thuế", to: "6"', new='"Chờ nộp thuế", to: "5"'
    )

    differences = judgement.values.differences
    assert judgement.values.right == judgement.values.fields - len(differences)
    assert len(differences) > 10
    assert {each.split(": ", 1)[1] for each in differences} == {
        "TrangThaiHoSo: expected '6', found '5'"
    }
    assert judgement.false_alarms == ()


def test_a_word_that_a_mapping_forgot_shows_as_false_alarms(samples, signer, tmp_path):
    judgement = judge_spoilt(
        samples, signer, tmp_path, old='["Cá nhân", "Hộ gia đình"]', new='"Cá nhân"'
    )

    alarms = judgement.false_alarms
    assert len(alarms) > 10
    assert {(code, field) for _, code, field, _ in alarms} == {
        ("mapping.code_unknown", "LoaiDoiTuong")
    }
    assert all("G (LoaiDoiTuong)" in place for *_, place in alarms)
    assert {each.split(": ", 1)[1] for each in judgement.values.differences} == {
        "expected a document, found none"
    }


def test_a_fee_that_a_mapping_does_not_look_at_shows_as_missed(samples, signer, tmp_path):
    judgement = judge_spoilt(
        samples,
        signer,
        tmp_path,
        old="Gia: {from: LePhi, number: vietnamese}",
        new='Gia: {constant: "1"}',
    )

    assert [(code, field) for _, code, field, _ in judgement.missed] == [
        ("mapping.number_invalid", "DanhSachLePhi[1].Gia")
    ]
    assert judgement.found == judgement.seeded - 1


def test_the_page_of_the_profiles_shows_these_figures():
    script = ROOT / "scripts" / "profile_figures.py"

    done = subprocess.run(
        [sys.executable, script, "--check"], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")


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


def test_snapshots_go_in_the_order_of_their_turns_wherever_they_stand(samples, converters):
    sample, converter = samples.of("business-registration"), converters.get("business-registration")
    with sample.path.open("rb") as source:
        records = list(read_records(source, file_name=sample.path.name, options=converter.source))
    snapshots = {}
    for record in records:
        if record.number not in sample.bad_records:
            (event,) = converter.convert(record).events
            snapshots.setdefault(event.dossier_code, []).append(event)

    by_place = [[each.values["TrangThaiHoSo"] for each in events] for events in snapshots.values()]
    by_turn = [
        [each.values["TrangThaiHoSo"] for each in sorted(events, key=lambda each: each.version)]
        for events in snapshots.values()
    ]

    assert by_turn == [["2", "4", "9", "10"][: len(statuses)] for statuses in by_place]
    assert sum(turns != places for turns, places in zip(by_turn, by_place, strict=True)) > 20


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
