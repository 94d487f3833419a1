"""Whoever reads an error can mend it: each one says, in both languages, what to do."""

import ast
import re
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

from mappings.remedies import REMEDIES
from schemas.problem import Problem

ROOT = Path(__file__).parents[2]
PACKAGES = ("adapters", "broker", "lienthong", "mappings", "schemas", "signing")
# Where the code of a finding and what to do about it are given, and by which words.
MAKERS = {
    "Problem": "suggestion",
    "problem": "remedy",
    "refuse": "remedy",
    "Refusal": "suggestion",
    "rejected": "suggestion",
    "report": "suggestion",
}
LOOKED_AT = {*MAKERS, "Text", "finding", "_problem"}
POSITIONS = {
    "lienthong/doors/refusal.py": 4,
    "lienthong/web/refusal.py": 4,
    "mappings/judging.py": 3,
    "mappings/written.py": 3,
}
"""Files whose maker takes what to do as its last positional argument, and which one that is."""


def calls(name):
    """Give (place, call, file) of every call that makes a finding so."""
    return all_calls()[name]


@cache
def all_calls():
    """Give every call by what it calls: the sources are read once, for all tests."""
    found = defaultdict(list)
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            file = path.relative_to(ROOT).as_posix()
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and called(node) in LOOKED_AT:
                    found[called(node)].append((f"{file}:{node.lineno}", node, file))
    # A name that is not looked at is a mistake, and no name without calls.
    return dict(found)


def called(node):
    return getattr(node.func, "attr", getattr(node.func, "id", ""))


def says_what_to_do(node, file, *, key):
    given = {word.arg: word.value for word in node.keywords}
    if key in given:
        return not (isinstance(given[key], ast.Constant) and given[key].value is None)
    return len(node.args) >= POSITIONS.get(file, 99)


def codes_in(node):
    return [
        part.value
        for part in ast.walk(node)
        if isinstance(part, ast.Constant) and isinstance(part.value, str) and "." in part.value
    ]


@pytest.mark.parametrize("maker", ["Problem", "rejected"])
def test_every_finding_says_what_to_do(maker):
    key = MAKERS[maker]

    silent = [
        place for place, node, file in calls(maker) if not says_what_to_do(node, file, key=key)
    ]

    assert silent == []


@pytest.mark.parametrize("maker", ["problem", "refuse"])
def test_every_finding_of_a_reader_and_of_a_door_says_what_to_do(maker):
    silent = [
        place
        for place, node, file in calls(maker)
        if file.startswith(("adapters/", "lienthong/doors/"))
        and not says_what_to_do(node, file, key=MAKERS[maker])
    ]

    assert silent == []


@pytest.mark.parametrize("maker", ["report", "Refusal"])
def test_every_finding_of_a_mapping_says_what_to_do_or_its_code_does(maker):
    silent = [
        place
        for place, node, file in calls(maker)
        if file.startswith("mappings/")
        and not says_what_to_do(node, file, key=MAKERS[maker])
        and not any(
            code in REMEDIES for code in codes_in(node.args[0] if maker == "Refusal" else node)
        )
        and any(code.startswith("mapping.") for code in codes_in(node))
    ]

    assert silent == []


def test_both_languages_are_written_wherever_one_is():
    halves = [
        f"{place} {ast.unparse(node)[:60]}"
        for place, node, _ in calls("Text")
        if {word.arg for word in node.keywords} == {"vi", "en"}
        and len({is_blank(word.value) for word in node.keywords}) == 2
    ]

    assert halves == []


def is_blank(value):
    return isinstance(value, ast.Constant) and value.value == ""


def test_every_remedy_is_in_both_languages():
    said = [(code, text) for code, remedy in REMEDIES.items() for text in remedy if text]

    assert [code for code, text in said if not (text.vi and text.en)] == []
    assert [code for code, text in said if text.vi == text.en] == []


AT_RECORDS = (
    "adapters/doctor/",
    "mappings/compiling.py",
    "mappings/consistency.py",
    "mappings/conversions.py",
    "mappings/converter.py",
    "mappings/deadlines.py",
    "mappings/groups.py",
    "mappings/judging.py",
    "mappings/kinds/",
    "mappings/scope.py",
    "schemas/explaining.py",
)
"""Where the findings about an agency's records are made; in others an integrator reads them."""
TO_AGENCIES = {"suggestion", "mend_vi", "mend_en", "advice"}


OF_FILES = re.compile(
    r"khóa (?!chỉ)[a-z_]+\b|\bkeys? (?!is|in|to)[a-z_]+\b|khai báo|\bdeclare\b|max_\w+|encoding"
)


def speaks_of_the_mapping(text):
    return "`" in text or "ánh xạ" in text or "mapping" in text.lower()


def test_what_an_agency_is_told_never_speaks_of_the_mapping():
    said = [
        (place, part.value)
        for maker in ("Problem", "report", "Refusal", "finding", "_problem")
        for place, node, file in calls(maker)
        if file.startswith(AT_RECORDS)
        for told in [
            *(word.value for word in node.keywords if word.arg in TO_AGENCIES),
            *(node.args[2:3] if maker == "Refusal" else ()),
        ]
        for part in ast.walk(told)
        if isinstance(part, ast.Constant) and isinstance(part.value, str)
    ]

    assert len(said) > 60
    assert [one for one in said if speaks_of_the_mapping(one[1])] == []
    assert [
        code for code, remedy in REMEDIES.items() if any(map(speaks_of_the_mapping, remedy.agency))
    ] == []


def told_by_readers():
    """Yield (place, text) of what readers of files tell agencies to do."""
    for path in sorted((ROOT / "adapters").glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for_integrators = {
            id(part)
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and called(node) == "Remedy"
            for told in node.args[1:]
            for part in ast.walk(told)
        }
        for node in ast.walk(tree):
            is_remedy = isinstance(node, ast.Call) and (
                called(node) == "Remedy" or any(word.arg == "remedy" for word in node.keywords)
            )
            told = [
                *(node.args[:1] if is_remedy and called(node) == "Remedy" else ()),
                *(word.value for word in getattr(node, "keywords", ()) if word.arg == "remedy"),
            ]
            if isinstance(node, ast.Assign) and "REMED" in ast.unparse(node.targets[0]).upper():
                told.append(node.value)
            yield from (
                (f"{path.name}:{part.lineno}", part.value)
                for each in told
                for part in ast.walk(each)
                if isinstance(part, ast.Constant)
                and isinstance(part.value, str)
                and id(part) not in for_integrators
            )


def test_what_an_agency_is_told_of_its_file_never_speaks_of_options():
    said = list(told_by_readers())

    assert len(said) > 40
    assert [one for one in said if OF_FILES.search(one[1])] == []


def test_the_walk_finds_what_it_looks_for():
    """A walk that finds nothing would pass."""
    found = {maker: len(calls(maker)) for maker in MAKERS}

    assert found["Problem"] > 30
    assert found["refuse"] > 40
    assert found["report"] > 8
    assert found["Refusal"] > 5
    assert "suggestion" in Problem.__dataclass_fields__
