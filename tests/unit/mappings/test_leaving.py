"""Records that are not for the portal: left out by a condition that was read, by nothing else."""

import pytest

from adapters import SourceRecord
from mappings import explain_mapping, run_tests
from mappings.language import Present
from mappings.leaving import Ground, Seen, written
from mappings.parts import parse_path
from mappings.walking import paths_of
from schemas.problem import Place

JSON = {"source": "{format: json}"}
COPY = '{any: [{path: systemId, equals: "5"}, {path: goc.so, present: true}]}'


def codes(conversion):
    return [(problem.code, problem.field, problem.place.path) for problem in conversion.problems]


def test_a_record_for_which_the_condition_holds_makes_nothing_and_is_no_error(convert):
    conversion = convert({"systemId": 5, "ngay": "31/02/2021"}, leave_out=COPY, **JSON)

    assert conversion.is_left_out
    assert (conversion.events, conversion.problems) == ((), ())
    assert conversion.dossier_code == "H29.15-210305-0001"


@pytest.mark.parametrize(
    "code", ["", "không phải mã", ["H29"]], ids=["none", "none at all", "list"]
)
def test_a_record_is_left_out_also_where_its_code_is_wrong(convert, code):
    conversion = convert({"systemId": "5", "so": code}, leave_out=COPY, **JSON)

    assert conversion.is_left_out
    assert (conversion.dossier_code, conversion.problems) == (None, ())


def test_any_other_record_is_converted_as_if_there_were_no_condition(convert):
    conversion = convert({"systemId": 0, "goc": {"so": ""}}, leave_out=COPY, **JSON)

    assert not conversion.is_left_out
    assert conversion.events == convert({"systemId": 0}, **JSON).events


@pytest.mark.parametrize(
    ("record", "found"),
    [
        ({"goc": "H29-1"}, ("mapping.not_an_object", "leave_out", "goc")),
        ({"goc": ["H29-1"]}, ("mapping.not_an_object", "leave_out", "goc")),
        ({"systemId": [5]}, ("mapping.not_a_value", "leave_out", "systemId")),
        ({"systemId": {"id": 5}}, ("mapping.not_a_value", "leave_out", "systemId")),
        # What holds already would decide; the other half is wrong all the same.
        ({"systemId": 5, "goc": "H29-1"}, ("mapping.not_an_object", "leave_out", "goc")),
    ],
)
def test_what_the_condition_cannot_read_is_an_error_and_takes_no_side(convert, record, found):
    conversion = convert(record, leave_out=COPY, **JSON)

    assert not conversion.is_left_out
    assert conversion.events == ()
    assert codes(conversion) == [found]


def test_a_text_too_long_to_be_searched_is_an_error(convert):
    conversion = convert({"loai": "x" * 20_001}, leave_out="{path: loai, matches: 'y$'}", **JSON)

    assert [problem.code for problem in conversion.problems] == ["mapping.too_long"]


def test_what_is_wrong_otherwise_is_told_together_with_what_the_condition_cannot_read(convert):
    conversion = convert({"goc": "H29-1", "ngay": "31/02/2021"}, leave_out=COPY, **JSON)

    assert [problem.code for problem in conversion.problems] == [
        "mapping.not_an_object",
        "mapping.date_invalid",
    ]


def test_a_path_that_is_looked_at_twice_is_complained_of_once(convert):
    twice = (
        '{any: [{path: a.b, equals: "1"}, {path: a.b, matches: "^2"}, {path: a.b, present: true}]}'
    )

    assert codes(convert({"a": "x"}, leave_out=twice, **JSON)) == [
        ("mapping.not_an_object", "leave_out", "a")
    ]


def test_a_table_without_the_column_must_be_refused_and_not_left_out(mistakes, mapping_text, load):
    empty = "{path: LienThong, present: false}"

    (problem,) = mistakes(mapping_text(leave_out=empty))

    assert (problem.code, problem.place.line) == ("mapping.leave_out_column", 6)
    assert problem.suggestion.en == "add 'LienThong' to `source.required`"
    load(mapping_text(source="{format: csv, required: [LienThong]}", leave_out=empty))
    zipped = "{format: zip, source: {format: csv, required: [LienThong]}}"
    load(mapping_text(source=zipped, leave_out=empty))


@pytest.mark.parametrize(
    ("condition", "code"),
    [
        ("{path: a}", "mapping.condition_invalid"),
        ("{path: a, equals: 1, present: true}", "mapping.condition_invalid"),
        ("{path: a, matches: '('}", "mapping.regex_invalid"),
        ("LienThong", "mapping.type_wrong"),
        ("{path: a, equal: 1}", "mapping.key_unknown"),
    ],
)
def test_a_condition_that_is_none_is_told(mistakes, mapping_text, condition, code):
    assert code in {p.code for p in mistakes(mapping_text(leave_out=condition, **JSON))}


def test_the_paths_of_the_condition_are_paths_of_the_mapping(load, mapping_text):
    file = load(mapping_text(leave_out=COPY, **JSON))

    found = [placed.path.text for placed in paths_of(file) if placed.key == "leave_out"]

    assert found == ["systemId", "goc.so"]


def explain(file, **values):
    record = SourceRecord(number=1, values=values, place=Place(file="a.json", path="[0]"))
    return explain_mapping(file).explain(record)


def test_an_explanation_tells_which_condition_left_a_record_out(load, mapping_text):
    file = load(mapping_text(leave_out=COPY, **JSON))

    told = explain(file, systemId=0, goc={"so": "H29-1"}, la="x")

    assert told.left_out == (
        Ground(
            line=6,
            condition="{path: goc.so, present: true}",
            seen=(
                Seen(path="goc.so", place=Place(file="a.json", path="[0].goc.so"), value="H29-1"),
            ),
        ),
    )
    assert told.packets == ()
    assert [leaf.path for leaf in told.source if not leaf.is_used] == ["la"]


def test_an_explanation_of_a_record_that_goes_out_has_no_such_ground(load, mapping_text):
    file = load(mapping_text(leave_out=COPY, **JSON))

    told = explain(file, so="H29.15-210305-0001", ngay="05/03/2021", systemId=0)

    assert told.left_out == ()
    assert len(told.packets) == 1


def test_a_condition_is_written_as_the_language_has_it(load, mapping_text):
    text = "{all: [{path: /a, in: [x, y]}, {not: {path: b, matches: '^c'}}, {path: d, equals: e}]}"

    assert written(load(mapping_text(leave_out=text, **JSON)).leave_out.condition) == text
    assert written(Present(path=parse_path("b"), wanted=False)) == "{path: b, present: false}"


def trial(load, mapping_text, test, condition=COPY):
    text = mapping_text(leave_out=condition, **JSON) + f"tests:\n  - {{name: t, {test}}}\n"
    (result,) = run_tests(load(text))
    return [difference.en for difference in result.differences]


OUT = "record: {systemId: 5}"
IN = 'record: {so: "H29.15-210305-0001", ngay: "05/03/2021"}'


def test_a_test_says_that_a_record_is_left_out(load, mapping_text):
    assert trial(load, mapping_text, f"{OUT}, left_out: true") == []
    assert trial(load, mapping_text, IN) == []


@pytest.mark.parametrize("wants", ["", ", dossier: {HinhThuc: '0'}", ", left_out: false"])
def test_a_record_that_is_left_out_unexpectedly_fails_its_test(load, mapping_text, wants):
    assert trial(load, mapping_text, OUT + wants) == [
        "`leave_out` leaves the record out; if that is right: `left_out: true`"
    ]


def test_a_record_that_is_not_left_out_fails_the_test_that_wants_it(load, mapping_text):
    assert trial(load, mapping_text, f"{IN}, left_out: true") == [
        "`leave_out` must leave the record out, and does not"
    ]


@pytest.mark.parametrize("other", ["dossier: {}", "progress: []", "problems: []"])
def test_a_test_cannot_want_a_record_left_out_and_something_of_it(mistakes, mapping_text, other):
    text = mapping_text(leave_out=COPY, **JSON)

    (problem,) = mistakes(f"{text}tests:\n  - {{name: t, {OUT}, left_out: true, {other}}}\n")

    assert problem.code == "mapping.test_contradicts"
