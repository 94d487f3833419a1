"""Two mappings that claim one source."""

from __future__ import annotations

import pytest

from mappings import find_claims, load_agencies, load_mapping
from schemas.errors import ConfigError


@pytest.fixture
def claims(tmp_path, mapping_text):
    """Return what is said of several files, each written with other heads."""

    def run(**heads):
        paths = []
        for name, head in heads.items():
            paths.append(tmp_path / f"{name}.yaml")
            paths[-1].write_text(mapping_text(**head), "utf-8")
        return find_claims([load_mapping(path) for path in paths])

    return run


def test_one_name_for_two_files_is_told_with_both(claims):
    (problem,) = claims(a={}, b={})

    assert problem.code == "agency.duplicate"
    assert problem.place.file.endswith("b.yaml")
    assert "a.yaml" in problem.message.vi


def test_one_source_for_two_mappings_is_told_with_both(claims):
    (problem,) = claims(a={}, b={"mapping": "khac"})

    assert problem.code == "agency.source_claimed"
    assert problem.place.file.endswith("b.yaml")
    assert "a.yaml" in problem.message.vi
    assert "000.00.15.H29" in problem.message.en


def test_a_third_claim_is_told_too(claims):
    problems = claims(a={}, b={"mapping": "hai"}, c={"mapping": "ba"})

    assert [p.place.file[-6:] for p in problems] == ["b.yaml", "c.yaml"]
    assert all("a.yaml" in p.message.en for p in problems)


@pytest.mark.parametrize(
    "head",
    [
        {"agency": '{code: "000.00.16.H29", name: "Sở khác"}'},
        {"source": "{format: xlsx}"},
        {"source": "{format: csv, required: [so]}"},
    ],
    ids=["other agency", "other format", "other columns"],
)
def test_what_tells_two_sources_apart_is_no_claim(claims, head):
    assert claims(a={}, b={"mapping": "khac", **head}) == ()


def test_every_name_that_stands_twice_in_a_folder_is_told_at_once(tmp_path, mapping_text):
    for number, name in enumerate(("mot", "mot", "hai", "hai", "hai")):
        (tmp_path / f"{number}.yaml").write_text(mapping_text(mapping=name), "utf-8")

    with pytest.raises(ConfigError) as caught:
        load_agencies(tmp_path)

    told = [
        (p.place.file[-6:], p.message.en.split(" stands in ")[1]) for p in caught.value.problems
    ]
    assert [(file, earlier[-14:]) for file, earlier in told] == [
        ("1.yaml", "0.yaml already"),
        ("3.yaml", "2.yaml already"),
        ("4.yaml", "2.yaml already"),
    ]
