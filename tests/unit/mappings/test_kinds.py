"""Kinds of values: what each accepts, in which writing it goes on, and what it says is wrong."""

from datetime import date

import pytest

from mappings.kinds import KINDS, RULES
from mappings.kinds.codes import (
    read_agency_code,
    read_dossier_code,
    read_field_code,
    read_procedure_code,
)
from mappings.kinds.contacts import read_email, read_phone
from mappings.kinds.fees import read_fee
from mappings.kinds.names import read_name
from mappings.kinds.persons import birth_year, read_personal_id
from mappings.kinds.taxes import read_tax_code
from schemas.problem import Severity


def codes(reading):
    return [found.code.removeprefix("value.") for found in reading.findings]


@pytest.mark.parametrize(
    ("text", "standard", "found"),
    [
        ("079190000001", "079190000001", []),
        ("079 190 000 001", "079190000001", []),
        ("079.190.000.001", "079190000001", []),
        ("024000000", "024000000", []),
        ("79190000001", "79190000001", ["personal_id_form"]),
        ("24000000", "24000000", ["personal_id_form"]),
        ("0791900000011", "0791900000011", ["personal_id_form"]),
        ("B1234567", "B1234567", ["personal_id_form"]),
        ("٠٧٩١٩٠٠٠٠٠٠١", "٠٧٩١٩٠٠٠٠٠٠١", ["personal_id_form"]),
        ("999190000001", "999190000001", ["personal_id_province"]),
    ],
)
def test_a_personal_number_has_twelve_digits_or_nine(text, standard, found):
    reading = read_personal_id(text)

    assert (reading.text, codes(reading)) == (standard, found)


def test_a_lost_zero_is_suggested_and_never_added():
    (found,) = read_personal_id("79190000001").findings

    assert "079190000001" in found.suggestion.en
    assert "079190000001" not in found.text.en


def test_a_card_of_nine_digits_is_odd_only_after_its_last_day():
    assert codes(read_personal_id("024000000", day=date(2024, 12, 31))) == []
    assert codes(read_personal_id("024000000", day=date(2025, 1, 1))) == ["personal_id_retired"]


@pytest.mark.parametrize(
    ("number", "year"), [("079190000001", 1990), ("079205000001", 2005), ("079399000001", 2099)]
)
def test_the_fourth_digit_tells_the_century(number, year):
    assert birth_year(number) == year


def test_birth_and_sex_are_compared_where_they_are_known():
    number = "079190000001"

    assert codes(read_personal_id(number, born="1990", sex="1")) == []
    assert codes(read_personal_id(number, born="1991", sex="0")) == [
        "personal_id_birth",
        "personal_id_sex",
    ]
    assert codes(read_personal_id("079390000001", day=date(2026, 1, 1))) == ["personal_id_birth"]
    assert codes(read_personal_id(number, born="không rõ", sex="khác")) == []


@pytest.mark.parametrize(
    ("text", "standard", "found"),
    [
        ("0100109106", "0100109106", []),
        ("0100109106001", "0100109106-001", []),
        ("0100109106-001", "0100109106-001", []),
        ("0100109107", "0100109107", ["tax_code_check_digit"]),
        ("0100109106-000", "0100109106-000", ["tax_code_check_digit"]),
        ("100109106", "100109106", ["tax_code_form"]),
        ("MST 0100109106", "MST 0100109106", ["tax_code_form"]),
        ("079190000001", "079190000001", []),
    ],
)
def test_a_tax_code_has_a_check_digit(text, standard, found):
    reading = read_tax_code(text)

    assert (reading.text, codes(reading)) == (standard, found)


def test_a_persons_number_is_a_tax_code_since_july_2025():
    assert codes(read_tax_code("079190000001", day=date(2025, 6, 30))) == ["tax_code_early"]
    assert codes(read_tax_code("079190000001", day=date(2025, 7, 1))) == []


@pytest.mark.parametrize(
    ("text", "standard", "found"),
    [
        ("0901234567", "0901234567", []),
        ("+84 90 123 45 67", "0901234567", []),
        ("84901234567", "0901234567", []),
        ("(028) 3812.3456", "02838123456", []),
        ("+1 415 555 0100", "+14155550100", []),
        ("01681234567", "0381234567", ["phone_old"]),
        ("901234567", "901234567", ["phone_form"]),
        ("0901234567; 0907654321", "0901234567; 0907654321", ["phone_form"]),
        ("không có", "không có", ["phone_form"]),
    ],
)
def test_a_phone_number_gets_its_national_writing(text, standard, found):
    reading = read_phone(text)

    assert (reading.text, codes(reading)) == (standard, found)


@pytest.mark.parametrize(
    ("text", "standard", "found"),
    [
        ("An.Nguyen+1@Example.VN", "An.Nguyen+1@example.vn", []),
        ("an@localhost", "an@localhost", ["email_form"]),
        ("an@@example.vn", "an@@example.vn", ["email_form"]),
        ("a..n@example.vn", "a..n@example.vn", ["email_form"]),
        ("an@example.vn, be@example.vn", "an@example.vn, be@example.vn", ["email_form"]),
        ("a" * 300 + "@example.vn", "a" * 300 + "@example.vn", ["email_form"]),
    ],
)
def test_an_address_keeps_its_name_and_gets_a_small_domain(text, standard, found):
    reading = read_email(text)

    assert (reading.text, codes(reading)) == (standard, found)


@pytest.mark.parametrize(
    ("text", "new", "old"),
    [
        ("000.00.15.H29", "H29.15", "000.00.15.H29"),
        ("h29.15", "H29.15", "000.00.15.H29"),
        ("000.00.00.H29", "H29", "000.00.00.H29"),
        ("38.98.H29", "H29.98.38", "000.38.98.H29"),
        ("013.05.50.H15", "H15.50.05.013", "013.05.50.H15"),
    ],
)
def test_an_agency_has_two_writings(text, new, old):
    assert read_agency_code(text) == (new, ())
    assert read_agency_code(text, writing="qcvn102") == (old, ())


def test_an_old_writing_that_nobody_can_tell_is_refused():
    assert codes(read_agency_code("H15.50.05.13", writing="qcvn102")) == ["agency_code_writing"]
    assert codes(read_agency_code("Sở Y tế")) == ["agency_code_form"]


@pytest.mark.parametrize(
    ("text", "standard", "found"),
    [
        ("1.001612", "1.001612", []),
        ("1.001612.000.00.00.H29", "1.001612", []),
        ("1.001612.H29", "1.001612", []),
        ("9.999999", "9.999999", ["procedure_code_unknown"]),
        ("TS_lop1.000.00.00.H29", "TS_lop1.000.00.00.H29", ["procedure_code_form"]),
        ("600", "600", ["procedure_code_form"]),
    ],
)
def test_a_procedure_loses_its_local_ending(text, standard, found):
    reading = read_procedure_code(text)

    assert (reading.text, codes(reading)) == (standard, found)


def test_field_codes_are_of_one_form():
    assert read_field_code("g03-gd10") == ("G03-GD10", ())
    assert codes(read_field_code("Đất đai")) == ["field_code_form"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("H29.15-250707-0001", []),
        ("000.00.15.H29-250707-0001", []),
        ("38.98.H29-250707-0001", []),
        ("H29.14-20210305-0092637", []),
        ("H29.15-251307-0001", ["dossier_code_date"]),
        ("210305/TĐ/0042", ["dossier_code_form"]),
        ("H29.15-250707-001", ["dossier_code_form"]),
    ],
)
def test_a_dossier_code_is_one_of_those_seen(text, found):
    assert codes(read_dossier_code(text)) == found


@pytest.mark.parametrize(
    ("text", "standard", "found"),
    [
        ("100000", "100000", []),
        ("100.000", "100000", []),
        ("1,234,500 đ", "1234500", []),
        ("1.234.500,00 VNĐ", "1234500", []),
        ("150000.00", "150000", []),
        ("Miễn phí", "0", []),
        ("0", "0", []),
        ("-5000", "-5000", ["fee_form"]),
        ("100.5", "100.5", ["fee_form"]),
        ("khoảng 100.000", "khoảng 100.000", ["fee_form"]),
        ("9" * 15, "9" * 15, []),
        ("1" + "0" * 15, "1" + "0" * 15, ["fee_size"]),
        ("1" + ".000" * 5 + " đ", "1" + ".000" * 5 + " đ", ["fee_size"]),
        ("0" * 30 + "8000", "8000", []),
    ],
)
def test_a_fee_is_a_whole_amount(text, standard, found):
    reading = read_fee(text)

    assert (reading.text, codes(reading)) == (standard, found)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Nguyễn Thị  Mẫu", []),
        ("H'Hen Niê", []),
        ("Nguyễn Văn A (?)", []),
        ("Công ty TNHH 3T", []),
        ("CÔNG TY CỔ PHẦN 3T", []),
        ("Trường Tiểu học Nguyễn Huệ 3", []),
        ("Hộ kinh doanh Quán 79", []),
        ("UBND Phường 3", []),
        ("3T Trading Co., Ltd", []),
        ("Nguy?n Th? Ph??ng", ["name_lost_letters"]),
        ("L? Th? Hoa", ["name_lost_letters"]),
        ("?inh An", ["name_lost_letters"]),
        ("?? Nam", ["name_lost_letters"]),
        ("Nguy\ufffdn Văn A", ["name_lost_letters"]),
        ("Công ty C? ph?n 3T", ["name_lost_letters"]),
        ("???", ["name_lost_letters"]),
        ("Nguyễn Văn 4n", ["name_digits"]),
        ("Nguyễn Văn A1", ["name_digits"]),
        ("Đoàn Văn Tổ 2", ["name_digits"]),
        ("...", ["name_no_letters"]),
        ("-", ["name_no_letters"]),
        ("0901234567", ["name_no_letters"]),
    ],
)
def test_a_name_has_all_its_letters_and_a_person_no_digits(text, found):
    reading = read_name(text)

    assert (reading.text, codes(reading)) == (" ".join(text.split()), found)


def test_a_destroyed_name_is_told_in_words_an_agency_understands():
    (found,) = read_name("Nguy?n Th? Ph??ng").findings

    assert found.text.vi == "tên 'Nguy?n Th? Ph??ng' bị mất chữ khi lưu tệp"
    assert "lấy lại tên từ nguồn" in found.suggestion.vi
    assert RULES[found.code].severity is Severity.ERROR
    assert "own" in RULES[found.code].source.en


def test_every_rule_names_its_source_in_both_languages():
    assert len(KINDS) == 10
    for rule in RULES.values():
        assert rule.source.vi
        assert rule.source.en
        assert rule.severity in Severity
