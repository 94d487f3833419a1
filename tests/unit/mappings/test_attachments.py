"""Where a mapping says that the files of a dossier stand, and what it reads of them."""

import hashlib

import pytest

from mappings.attachments import DeclaredFile
from schemas.problem import Place

JSON = {"source": "{format: json}"}
FILES = (
    "{each: tep, when: {path: huy, equals: '0'}, fields: {name: ten, url: link, size: co, "
    "sha256: bam, type: loai, component: ma}}"
)
PLACE = Place(file="thu.json", path="[0]")


def entry(**changes):
    return {"ten": "ToKhai.pdf", "link": "https://hs.example.vn/a1", "huy": "0"} | changes


def test_each_file_is_read_with_its_place_and_what_is_declared_of_it(convert):
    record = {"tep": [entry(co=12, bam="AB" * 32, loai="application/pdf", ma="KQ.1"), entry()]}

    conversion = convert(record, place=PLACE, attachments=FILES, **JSON)

    assert conversion.problems == ()
    assert conversion.files == (
        DeclaredFile(
            number=1,
            place=Place(file="thu.json", path="[0].tep[0].link"),
            name="ToKhai.pdf",
            way="url",
            source="https://hs.example.vn/a1",
            size=12,
            sha256="ab" * 32,
            type="application/pdf",
            component="KQ.1",
        ),
        DeclaredFile(
            number=2,
            place=Place(file="thu.json", path="[0].tep[1].link"),
            name="ToKhai.pdf",
            way="url",
            source="https://hs.example.vn/a1",
        ),
    )


def test_paths_joined_in_one_cell_are_several_files_and_a_name_is_the_last_step(convert):
    rule = "{split: {from: dk, separator: '##'}, fields: {file: value}}"

    conversion = convert({"dk": "a/Đơn.pdf##b\\to khai.docx## "}, attachments=rule, **JSON)

    assert [(one.name, one.source) for one in conversion.files] == [
        ("Đơn.pdf", "a/Đơn.pdf"),
        ("to khai.docx", "b\\to khai.docx"),
    ]


def test_the_name_that_an_address_gives_carries_no_token(convert):
    rule = "{items: [{fields: {url: link}}]}"

    conversion = convert(
        {"link": "https://hs.example.vn/f/don.pdf?token=secret"}, attachments=rule, **JSON
    )

    assert [one.name for one in conversion.files] == ["don.pdf"]


def test_several_ways_stand_side_by_side_and_are_counted_through(convert):
    rule = "[{items: [{fields: {name: t, data: d}}]}, {each: tep, fields: {url: link}}]"

    conversion = convert(
        {"t": "a.pdf", "d": "JVBERi0=", "tep": [entry()]}, attachments=rule, **JSON
    )

    assert [(one.number, one.way) for one in conversion.files] == [(1, "data"), (2, "url")]


def test_a_file_with_neither_content_nor_address_stops_its_record_and_is_named(convert):
    conversion = convert({"tep": [entry(), entry(ten="CMND.jpg", link="")]}, attachments=FILES)

    [problem] = conversion.problems
    assert conversion.events == ()
    assert problem.code == "attachment.no_source"
    assert problem.field == "attachments[2].url"
    assert problem.place.path == "tep[1].link"
    assert "số 2 «CMND.jpg»" in problem.message.vi
    assert "attachment 2 'CMND.jpg'" in problem.message.en


@pytest.mark.parametrize(("key", "value"), [("co", "12 KB"), ("bam", "abc")])
def test_a_declaration_that_cannot_be_meant_stops_the_record(convert, key, value):
    conversion = convert({"tep": [entry(**{key: value})]}, attachments=FILES, **JSON)

    assert conversion.events == ()
    assert [problem.place.path for problem in conversion.problems] == [f"tep[0].{key}"]


def test_a_file_needs_exactly_one_way(mistakes, mapping_text):
    text = mapping_text(attachments="{each: tep, fields: {name: ten, url: link, data: nd}}", **JSON)

    assert [mistake.code for mistake in mistakes(text)] == ["mapping.attachment_ways"]


def test_an_unknown_word_of_a_file_is_refused(mistakes, mapping_text):
    text = mapping_text(attachments="{each: tep, fields: {url: link, kich_thuoc: co}}", **JSON)

    assert [mistake.code for mistake in mistakes(text)] == ["mapping.field_unknown"]


def test_a_mapping_without_files_makes_what_it_always_made(convert):
    plain, with_files = convert(**JSON), convert({"tep": [entry()]}, attachments=FILES, **JSON)

    assert plain.files == ()
    assert plain.events == with_files.events


def test_another_file_under_the_same_fields_is_another_dossier(convert):
    def digest(**changes):
        record = {"tep": [entry(**changes)]}
        return convert(record, attachments=FILES, **JSON).events[0].digest

    same, other = "0" * 64, hashlib.sha256(b"x").hexdigest()

    assert digest(bam=same) == digest(bam=same)
    assert digest(bam=same) != digest(bam=other)


def test_more_files_than_any_dossier_has_stop_it(convert):
    conversion = convert({"tep": [entry()] * 201}, attachments=FILES, **JSON)

    assert [problem.code for problem in conversion.problems] == ["attachment.too_many"]


def test_the_files_of_an_edxml_packet_are_read_like_any_others(convert):
    file = {"name": "cv.pdf", "data": "QQ==", "size": 1, "sha256": "ab" * 32}
    record = {"Attachments": [file]}
    rule = "{each: Attachments, fields: {name: name, data: data, size: size, sha256: sha256}}"

    conversion = convert(record, attachments=rule, source="{format: edxml}")

    (found,) = conversion.files
    assert (found.name, found.way, found.source, found.size) == ("cv.pdf", "data", "QQ==", 1)


@pytest.mark.parametrize(
    ("rule", "record"),
    [
        ("{each: tep, fields: {url: link}}", {"tep": [{"link": "https://a.vn/1"}, {"link": ""}]}),
        ("{each: tep, fields: {url: link, name: ten}}", {"tep": [{"link": None, "ten": " "}]}),
        ("{each: tep, fields: {url: link}}", {"tep": [{"duong_dan": "https://a.vn/1"}]}),
        ("{items: [{fields: {data: nd}}]}", {"nd": ""}),
    ],
)
def test_an_entry_of_which_nothing_can_be_read_is_no_reason_to_go_without_it(convert, rule, record):
    conversion = convert(record, attachments=rule, **JSON)

    assert conversion.events == ()
    assert [problem.code for problem in conversion.problems] == ["attachment.no_source"]
