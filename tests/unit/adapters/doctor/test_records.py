"""Records on their way to a mapping: what the source option does to their texts."""

from __future__ import annotations

import io
import zipfile

import pytest

from adapters import OptionsWrong, SourceRecord, make_options, read_records
from adapters.doctor import examined
from mappings.values import make_getter
from schemas.errors import InputError
from schemas.problem import Place, Problem, Severity, Text

TABLE = "Ma;Ten\n1;NguyÔn V¨n Ch\u00adëng\n2;Vò\n3;TrÇn ThÞ H¶i\n4;Müller\n"


def read(text, **settings):
    options = make_options({"format": "csv", "delimiter": ";", **settings})
    return list(read_records(io.BytesIO(text.encode()), file_name="f.csv", options=options))


def names(records):
    return [record.values["Ten"] for record in records]


def codes(records):
    return [(str(p.place), p.code) for record in records for p in record.warnings]


def test_by_default_damaged_and_doubtful_text_is_reported_at_its_cell_and_not_changed():
    records = read(TABLE)

    assert names(records) == ["NguyÔn V¨n Ch\u00adëng", "Vò", "TrÇn ThÞ H¶i", "Müller"]
    assert codes(records) == [
        ("f.csv, row 2, column B (Ten)", "text.misread"),
        ("f.csv, row 4, column B (Ten)", "text.doubtful"),
    ]


def test_repairing_judges_the_column_and_warns_of_every_change():
    records = read(TABLE, repair="on")

    assert names(records) == ["Nguyễn Văn Chưởng", "Vũ", "Trần Thị Hải", "Müller"]
    assert [code for _, code in codes(records)] == ["text.repaired"] * 3 + ["text.doubtful"]


def test_a_warning_quotes_the_original_and_names_the_steps():
    (record, *_) = read("Ten\nNGUYÔN V¡N TRÇN\n", repair="on")

    (warning,) = record.warnings
    assert warning.severity is Severity.WARNING
    assert (
        warning.message.en
        == "'NGUYÔN V¡N TRÇN' was repaired to 'NGUYỄN VĂN TRẦN' (tcvn3, capitals)"
    )
    assert warning.message.vi != warning.message.en
    assert warning.suggestion is not None


@pytest.mark.parametrize("repair", ["report", "on"])
def test_a_value_that_lost_letters_is_reported_with_that_reason_and_never_changed(repair):
    records = read("Ma;Ten\n1;Nguy?n Th? Ph??ng\n2;Hỏi gì?\n3;Trần V?n A\n", repair=repair)

    assert names(records) == ["Nguy?n Th? Ph??ng", "Hỏi gì?", "Trần V?n A"]
    assert codes(records) == [
        ("f.csv, row 2, column B (Ten)", "text.doubtful"),
        ("f.csv, row 4, column B (Ten)", "text.doubtful"),
    ]
    (warning,) = records[0].warnings
    assert (
        warning.message.en
        == "letters of 'Nguy?n Th? Ph??ng' were lost when the file was saved; left as it is"
    )
    assert "source again" in warning.suggestion.en


def test_a_repair_keeps_what_stood_there_and_says_what_it_was():
    records = read("Ten\nNGUYÔN V¡N TRÇN\nNguy&#7877;n\n", delimiter="|", repair="on")

    found = [(p.value, p.encoding) for record in records for p in record.warnings]
    assert found == [("NGUYÔN V¡N TRÇN", "tcvn3"), ("Nguy&#7877;n", "references")]


def test_of_columns_that_nobody_reads_nothing_is_said_and_repairs_stay_the_same():
    record = SourceRecord(
        number=1,
        values={"ten": "NguyÔn V¨n H¶i", "noibo": "TrÇn ThÞ H¶i", "tep": [{"ten": "Lª ThÞ H¶i"}]},
        place=Place(path="data[0]"),
    )

    (found,) = examined(
        [record], is_repairing=True, encoding="tcvn3", read_columns=frozenset({"ten", "tep.ten"})
    )

    assert [p.place.path for p in found.warnings] == ["data[0].ten", "data[0].tep[0].ten"]
    assert found.values["noibo"] == "Trần Thị Hải"


def test_what_is_read_of_the_members_of_an_archive_is_told_to_each():
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as members:
        members.writestr("a.csv", "Ten;NoiBo\nNguyÔn V¨n H¶i;TrÇn ThÞ H¶i\n".encode())
    options = make_options(
        {"format": "zip", "members": ["*.csv"], "source": {"format": "csv", "delimiter": ";"}}
    )
    archive.seek(0)

    records = list(
        read_records(archive, file_name="a.zip", options=options, read_columns=frozenset({"Ten"}))
    )

    assert codes(records) == [("a.zip/a.csv, row 2, column A (Ten)", "text.misread")]


def test_off_does_not_look():
    assert codes(read(TABLE, repair="off")) == []


def test_a_record_alone_is_read_as_the_mapping_says():
    text = "Ma;Ten\n2;Vò\n"

    assert names(read(text, repair="on")) == ["Vò"]
    assert names(read(text, repair="on", repair_encoding="tcvn3")) == ["Vũ"]


def test_right_text_passes_even_where_an_encoding_is_named():
    text = "Ma;Ten\n1;Nguyễn Văn Vũ\n2;Đỗ Thị Cúc\n3;abc\n"

    assert names(read(text, repair="on", repair_encoding="tcvn3")) == [
        "Nguyễn Văn Vũ",
        "Đỗ Thị Cúc",
        "abc",
    ]


def test_the_same_right_records_pass_as_the_same_objects(corpus):
    records = [
        SourceRecord(number=n, values={"a": text, "b": n, "c": None}, place=Place(row=n))
        for n, text in enumerate(corpus.columns()["procedures"])
    ]

    assert all(a is b for a, b in zip(examined(records, is_repairing=True), records, strict=True))


def test_texts_inside_objects_and_lists_are_repaired_at_their_paths():
    record = SourceRecord(
        number=1,
        values={"tep": [{"ten": "NguyÔn V¨n H¶i"}, {"ten": "đơn", "kichThuoc": 5}], "so": 1.5},
        place=Place(path="data[0]"),
    )

    (found,) = examined([record], is_repairing=True)

    assert found.values == {
        "tep": [{"ten": "Nguyễn Văn Hải"}, {"ten": "đơn", "kichThuoc": 5}],
        "so": 1.5,
    }
    assert make_getter("tep[0].ten")(found.values) == "Nguyễn Văn Hải"
    assert [str(p.place) for p in found.warnings] == ["data[0].tep[0].ten"]


def broken():
    yield SourceRecord(number=1, values={"a": "NguyÔn V¨n H¶i"}, place=Place(row=2))
    raise InputError(Problem(code="csv.quote_unclosed", message=Text(vi="hỏng", en="broken")))


def test_records_before_a_refusal_come_out_before_it():
    found = examined(broken(), is_repairing=True)

    assert next(found).values == {"a": "Nguyễn Văn Hải"}
    with pytest.raises(InputError):
        next(found)


def test_no_more_than_a_window_waits():
    taken = []

    def endless():
        for number in range(1, 10_000):
            taken.append(number)
            yield SourceRecord(number=number, values={"a": "x"}, place=Place(row=number))

    next(examined(endless(), is_repairing=True))

    assert len(taken) == 200


WRONG = [
    ({"repair": "maybe"}, "repair"),
    ({"repair_encoding": "latin-1"}, "repair_encoding"),
    ({"repair": "off", "repair_encoding": "tcvn3"}, "repair_encoding"),
]


@pytest.mark.parametrize(("settings", "key"), WRONG)
def test_impossible_settings_are_named(settings, key):
    with pytest.raises(OptionsWrong) as caught:
        make_options({"format": "csv", **settings})

    assert [name for name, _ in caught.value.faults] == [key]


@pytest.mark.parametrize(("given", "meant"), [(True, "on"), (False, "off")])
def test_on_and_off_may_be_written_as_booleans(given, meant):
    assert make_options({"format": "csv", "repair": given}).repair == meant


def test_markup_that_rules_of_the_mapping_may_resolve_is_no_news():
    text = "Ten\n<p>Nguy&#7877;n</p>\n"

    assert codes(read(text, delimiter="|")) == []
    assert names(read(text, delimiter="|", repair="on")) == ["Nguyễn"]


def test_viqr_is_read_in_every_value_of_its_column():
    text = "Ten\nNguye^~n Thi. Lan\nTra^`n Ho^`ng Ha?i\nTha?o\nLan\nDDa(.ng Hu`ng\n"

    assert names(read(text, repair="on")) == [
        "Nguyễn Thị Lan",
        "Trần Hồng Hải",
        "Thảo",
        "Lan",
        "Đặng Hùng",
    ]


def test_a_little_viqr_does_not_make_plain_words_viqr():
    text = "Ten\nNguye^~n Thi. Lan\nDDu+o+`ng\n" + "Me.\nLan\nBa?\nHoa\n" * 9

    assert names(read(text, repair="on")) == ["Nguyễn Thị Lan", "Đường"] + [
        "Me.", "Lan", "Ba?", "Hoa"
    ] * 9  # fmt: skip
