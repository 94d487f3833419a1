"""What holds for every sample file: the same bytes for the same seed, whole counts, no people."""

from __future__ import annotations

import hashlib
import re
from collections import Counter

import pytest

from lienthong.samples import write_samples

AGENCIES = [
    "business-registration",
    "district-portalqh",
    "health-department",
    "igate-one-stop",
    "land-registration",
    "ward-civil-status",
]


def digests(samples):
    return {
        file.agency: hashlib.sha256(file.path.read_bytes()).hexdigest() for file in samples.files
    }


def test_there_is_one_file_for_each_agency(samples):
    assert [file.agency for file in samples.files] == AGENCIES


def test_the_same_seed_gives_the_same_bytes_errors_and_values(tmp_path):
    first = write_samples(tmp_path / "a", dossiers=40, seed=7)
    second = write_samples(tmp_path / "b", dossiers=40, seed=7)

    assert digests(first) == digests(second)
    assert [file.expected for file in first.files] == [file.expected for file in second.files]
    assert [file.truth for file in first.files] == [file.truth for file in second.files]


def test_another_seed_changes_every_file(tmp_path):
    first = digests(write_samples(tmp_path / "a", dossiers=40, seed=7))
    second = digests(write_samples(tmp_path / "b", dossiers=40, seed=8))

    assert [name for name in AGENCIES if first[name] == second[name]] == []


def test_writing_again_replaces_the_files(tmp_path):
    write_samples(tmp_path, dossiers=60)
    again = write_samples(tmp_path, dossiers=5, bad=0)

    assert digests(again) == digests(write_samples(tmp_path / "fresh", dossiers=5, bad=0))


@pytest.mark.parametrize("agency", AGENCIES)
def test_a_file_has_260_good_dossiers_and_12_bad_records(samples, agency):
    file = samples.of(agency)

    assert len(file.dossiers) == len(set(file.dossiers)) == 260
    assert len(file.bad_records) == 12
    assert max(file.bad_records) <= file.records


def test_only_business_registration_has_several_snapshots_of_a_dossier(samples):
    counts = {file.agency: file.records for file in samples.files}

    assert counts.pop("business-registration") > 600
    assert set(counts.values()) == {272}


@pytest.mark.parametrize("agency", AGENCIES)
def test_an_error_names_its_file_record_and_place(samples, agency):
    file = samples.of(agency)

    for error in file.expected:
        assert error.file == file.path.name
        assert error.place.file == file.path.name
        assert 1 <= error.record <= file.records
        assert error.place.row is not None or error.place.path is not None


def test_the_kinds_of_errors_are_many(samples):
    codes = Counter(error.code for file in samples.files for error in file.expected)

    assert set(codes) >= {
        "csv.nul",
        "csv.ragged",
        "csv.undecodable",
        "dossier.duplicate",
        "json.not_object",
        "json.nul",
        "mapping.code_not_valid",
        "mapping.code_unknown",
        "mapping.date_implausible",
        "mapping.date_invalid",
        "mapping.field_missing",
        "mapping.lookup_unknown",
        "mapping.not_a_value",
        "mapping.number_invalid",
        "mapping.text_no_match",
        "mapping.too_long",
        "mapping.value_refused",
        "xlsx.cell_error",
    }


def test_a_repeated_dossier_stands_after_the_good_one(tmp_path):
    for seed in range(20):
        samples = write_samples(tmp_path / str(seed), dossiers=2, bad=24, seed=seed)
        for file in samples.files:
            for error in file.expected:
                if error.code == "dossier.duplicate":
                    assert error.dossier in file.dossiers
                    assert error.record > 1


@pytest.mark.parametrize("agency", AGENCIES)
def test_every_record_is_either_good_or_bad(samples, agency):
    file = samples.of(agency)

    good = [expected.record for expected in file.truth]

    assert sorted([*good, *file.bad_records]) == list(range(1, file.records + 1))
    assert tuple(dict.fromkeys(expected.dossier for expected in file.truth)) == file.dossiers


def test_without_bad_records_nothing_is_expected(tmp_path):
    samples = write_samples(tmp_path, dossiers=3, bad=0)

    assert [file.expected for file in samples.files] == [()] * 6


@pytest.mark.parametrize(("dossiers", "bad"), [(0, 1), (1, -1)])
def test_refuses_counts_that_make_no_sample(tmp_path, dossiers, bad):
    with pytest.raises(ValueError, match="dossiers must be at least 1"):
        write_samples(tmp_path, dossiers=dossiers, bad=bad)


def test_an_agency_without_samples_is_an_error(samples):
    with pytest.raises(KeyError):
        samples.of("police")


def test_people_are_plainly_invented(samples):
    text = samples.of("igate-one-stop").path.read_text("utf-8")

    assert set(re.findall(r"@([\w.]+)", text)) == {"example.vn"}
    assert re.findall(r'"DienThoai": "(?!0900000\d{3}")', text) == []
    assert re.findall(r'"SoGiayTo": "(?!(079000000\d{3}|000000\d{3})?")', text) == []
    assert re.findall(r'"ChuHoSo": "(?![^"]*\(mẫu\)")[^"]+"', text) == []
