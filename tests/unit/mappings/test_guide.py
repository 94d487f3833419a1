"""The guide for integrators says what the code does."""

from __future__ import annotations

import csv
import re
from pathlib import Path

from adapters import SourceRecord
from adapters.writers import TARGETS
from mappings import compile_mapping, keys, run_tests
from mappings.dates import DATE_FORMATS
from mappings.kinds import KINDS
from mappings.remedies import REMEDIES
from mappings.tables import TABLES, column_names
from mappings.texts import NUMBER_FORMATS, TEXT_RULES
from schemas.problem import Place

ROOT = Path(__file__).parents[3]
GUIDE = (ROOT / "docs" / "mapping-language.md").read_text("utf-8")


def block(language):
    """Return the first code block of a language."""
    found = re.search(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)
    return found[1]


def rule_under(heading):
    """Return the first rule in YAML under a heading, as (field, what stands below it)."""
    found = re.search(rf"\n###+ {heading}\n.*?```yaml\n(\w+):\n(.*?)```", GUIDE, re.DOTALL)
    return found[1], "\n" + "\n".join(f"  {line}" for line in found[2].splitlines())


def test_the_alternatives_of_the_guide_give_what_it_says(value_of, problems_of):
    field, rule = rule_under("Alternatives")
    counted = {"NgayNhan": "05/03/2026", "SoNgayGiaiQuyet": "3"}

    assert field == "NgayHenTra"
    assert value_of(rule, {"NgayHenTra": "12/03/2026", **counted}, field=field) == "20260312000000"
    assert value_of(rule, {"NgayHenTra": "00/00/0000", **counted}, field=field) == "20260310170000"
    (problem,) = problems_of(rule, {"NgayHenTra": "31/02/2026", **counted}, field=field)
    assert problem.code == "mapping.date_invalid"


def test_the_severities_of_the_guide_stop_what_it_says(problems_of, convert):
    field, rule = rule_under("Kinds of values")
    born = {"SO_CMND": "079190000001", "NGAY_SINH": "01/03/1985", "GIOI_TINH": "Nam"}
    dates = {"NgayHenTra": "{from: hen, date: [dd/MM/yyyy]}"}
    top = re.search(r"```yaml\nseverity: (.*?)\n```", GUIDE)[1]

    found = problems_of(rule, born, field=field, schema="dvcqg-2022")
    assert [(p.code, p.severity.value) for p in found] == [
        ("value.personal_id_birth", "error"),
        ("value.personal_id_sex", "warning"),
    ]
    assert convert({"hen": "04/03/2021"}, dates, severity=top).events == ()


def test_the_worked_example_loads_and_its_tests_pass(load):
    file = load(block("yaml"))

    assert file.warnings == ()
    assert [(r.name, [d.en for d in r.differences]) for r in run_tests(file)] == [
        ("một hồ sơ với hai tệp", []),
        ("tình trạng lạ và ngày không có thật", []),
    ]


def test_the_worked_table_becomes_a_dossier(load):
    (row,) = csv.DictReader(block("csv").splitlines(), delimiter=";")

    conversion = compile_mapping(load(block("yaml"))).convert(
        SourceRecord(number=1, values=row, place=Place())
    )

    assert conversion.problems == ()
    (event,) = conversion.events
    assert (event.key, event.version) == ("H29.15-250707-0001/1", "1")
    assert event.values["TenLinhVuc"] == "Thành lập và hoạt động doanh nghiệp (hộ kinh doanh)"


def test_the_example_of_records_that_are_not_sent_does_what_it_says(load):
    example = GUIDE.split("## Records that are not sent")[1].split("```yaml\n")[1].split("```")[0]
    head, tests = example.split("tests:\n")
    worked = re.sub(r"source:\n.*?(?=event_key)", lambda _: head, block("yaml"), flags=re.DOTALL)

    results = run_tests(load(worked + tests))

    assert [r.name for r in results if not r.differences] == [
        "không đánh dấu liên thông thì không gửi"
    ]


def test_the_example_of_what_the_agency_gets_does_what_it_says(load):
    part = GUIDE.split("## From the portal to the agency")[1]
    inbound, tests = re.findall(r"```yaml\n(.*?)```", part, re.DOTALL)[:2]
    head, own_tests = block("yaml").split("tests:\n")

    file = load(f"{head}{inbound}tests:\n{own_tests}{tests}")

    assert [(r.name, [d.en for d in r.differences]) for r in run_tests(file)][-2:] == [
        ("hồ sơ nộp tại Cổng", []),
        ("thông báo thuế có hai khoản", []),
    ]
    # What the words of the example do not know is said before a message is stopped by it.
    assert {problem.code for problem in file.warnings} == {"mapping.codes_unmapped"}


def test_every_word_of_what_the_agency_gets_is_explained():
    part = GUIDE.split("## From the portal to the agency")[1].split("## Tests")[0]
    words = {*keys.INBOUND, *keys.INBOUND_COLUMN, *keys.DATE_WRITING, "prefer", *TARGETS}
    words |= {option for target in TARGETS.values() for option in target.__dataclass_fields__}

    assert {word for word in words if not re.search(rf"[`{{ ]{word}[`, :}}]", part)} == set()


def test_every_reason_not_to_write_a_value_is_explained():
    sources = [p.read_text("utf-8") for p in (ROOT / "adapters" / "writers").glob("*.py")]
    codes = {code for text in sources for code in re.findall(r'"(target\.\w+)"', text)}
    adapters = (ROOT / "docs" / "adapters.md").read_text("utf-8")

    assert len(codes) > 5
    assert {code for code in codes if f"`{code}`" not in adapters} == set()


def test_every_error_code_is_explained():
    sources = [path.read_text("utf-8") for path in (ROOT / "mappings").rglob("*.py")]
    codes = {
        code for text in sources for code in re.findall(r'"((?:mapping|agency|value)\.\w+)"', text)
    }

    assert len(codes) > 50
    assert {code for code in codes if f"`{code}`" not in GUIDE} == set()


def test_every_word_of_the_language_is_explained():
    words = {*DATE_FORMATS, *NUMBER_FORMATS, *TEXT_RULES, *TABLES, *KINDS}
    words |= {column for table in TABLES for column in column_names(table)}

    assert {word for word in words if not re.search(rf"[`{{]{re.escape(word)}[`:]", GUIDE)} == set()


def test_every_problem_of_a_record_says_what_to_do():
    listed = GUIDE.split("| `mapping.installation_changed`")[1]
    codes = set(re.findall(r"`(mapping\.[a-z_]+)`", listed))
    # These say what to do where they are made, with what is concerned.
    by_themselves = {
        "mapping.field_missing",
        "mapping.not_a_value",
        "mapping.not_an_object",
        "mapping.days_invalid",
        "mapping.deadline_uncertain",
    }

    assert codes - by_themselves == set(REMEDIES)
