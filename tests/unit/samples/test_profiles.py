"""What holds for every profile: the same bytes for the same seed, whole counts, no people."""

from __future__ import annotations

import hashlib
import re

import pytest

from lienthong.samples import write_profiles
from lienthong.samples.profiles import PROFILES

AGENCIES = [
    "criminal-record",
    "lgsp-documents",
    "ministry-profile",
    "opencps-one-stop",
    "provincial-portal-td",
    "school-enrolment",
    "social-insurance",
    "transport",
]


def digests(samples):
    return {
        file.agency: hashlib.sha256(file.path.read_bytes()).hexdigest() for file in samples.files
    }


def test_there_is_one_file_for_each_profile(profiles):
    assert [file.agency for file in profiles.files] == AGENCIES


def test_the_same_seed_gives_the_same_bytes_errors_and_values(tmp_path):
    first = write_profiles(tmp_path / "a", dossiers=30, seed=7)
    second = write_profiles(tmp_path / "b", dossiers=30, seed=7)

    assert digests(first) == digests(second)
    assert [file.expected for file in first.files] == [file.expected for file in second.files]
    assert [file.truth for file in first.files] == [file.truth for file in second.files]


def test_another_seed_changes_every_file(tmp_path):
    first = digests(write_profiles(tmp_path / "a", dossiers=30, seed=7))
    second = digests(write_profiles(tmp_path / "b", dossiers=30, seed=8))

    assert [name for name in AGENCIES if first[name] == second[name]] == []


@pytest.mark.parametrize("agency", AGENCIES)
def test_a_file_has_120_good_dossiers_and_13_bad_records(profiles, agency):
    file = profiles.of(agency)

    assert len(file.dossiers) == len(set(file.dossiers)) == 120
    assert len(file.bad_records) == 13
    assert file.records == 133


@pytest.mark.parametrize("agency", AGENCIES)
def test_every_kind_of_flaw_is_in_the_file(profiles, agency):
    shape = next(shape for shape in PROFILES if shape.agency == agency)
    seeded = {(error.code, error.field) for error in profiles.of(agency).expected}

    assert len(shape.flaws) >= 12
    assert seeded == {
        (finding.code, finding.field) for flaw in shape.flaws for finding in flaw.findings
    }


@pytest.mark.parametrize("agency", AGENCIES)
def test_every_record_is_either_good_or_bad(profiles, agency):
    file = profiles.of(agency)

    good = [expected.record for expected in file.truth]

    assert sorted([*good, *file.bad_records]) == list(range(1, file.records + 1))
    assert tuple(expected.dossier for expected in file.truth) == file.dossiers


@pytest.mark.parametrize("agency", AGENCIES)
def test_an_error_names_its_file_record_and_place(profiles, agency):
    file = profiles.of(agency)

    for error in file.expected:
        assert error.file == error.place.file == file.path.name
        assert 1 <= error.record <= file.records
        assert error.place.row or error.place.line or error.place.path


def test_a_repeated_dossier_stands_after_the_good_one(tmp_path):
    for seed in range(5):
        for file in write_profiles(tmp_path / str(seed), dossiers=2, bad=26, seed=seed).files:
            first = {expected.dossier: expected.record for expected in file.truth}
            repeats = [error for error in file.expected if error.code == "dossier.duplicate"]
            assert len(repeats) >= 2
            assert all(error.record > first[error.dossier] for error in repeats)


def test_a_code_that_was_refused_is_nobodys(profiles):
    refused = [
        error.dossier
        for file in profiles.files
        for error in file.expected
        if error.field == "MaHoSo" and error.code != "dossier.duplicate"
    ]

    assert refused
    assert set(refused) == {None}


@pytest.mark.parametrize(("dossiers", "bad"), [(0, 1), (1, -1)])
def test_refuses_counts_that_make_no_sample(tmp_path, dossiers, bad):
    with pytest.raises(ValueError, match="dossiers must be at least 1"):
        write_profiles(tmp_path, dossiers=dossiers, bad=bad)


@pytest.mark.parametrize("agency", AGENCIES)
def test_people_are_plainly_invented(profiles, agency):
    file = profiles.of(agency)
    text = file.path.read_text("utf-8")

    assert set(re.findall(r"@([\w.]+)", text)) <= {"example.vn"}
    assert set(re.findall(r"https?://([\w.]+)", text)) <= {"hoso.example.vn"}
    assert [number for number in re.findall(r"\b09\d{8}\b", text) if number[:7] != "0900000"] == []
    papers = re.findall(r"\b\d{12}\b", text)
    assert [number for number in papers if number[:9] not in ("079000000", "000000000")] == []
    owners = [expected.values["ChuHoSo"] for expected in file.truth]
    assert [name for name in owners if name and "MẪU" not in name.upper()] == []
