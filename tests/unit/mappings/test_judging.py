"""What a field may hold, told to a clerk and not to a programmer."""

import pytest

from mappings.judging import make_judge
from schemas.model import load_version


def test_a_wrong_form_is_told_in_words():
    field = load_version("dvcqg-2020").packets["DongBoHoSoMC"].fields["MaTTHC"]

    refusal = make_judge(field)("1.001193.000.00.00.H29")

    assert refusal.code == "mapping.value_refused"
    assert refusal.text.vi == (
        "không đúng dạng '1.001193.000.00.00.H29'; cần: d.dddddd, không có phần đuôi của địa phương"
    )
    assert refusal.text.en == (
        "'1.001193.000.00.00.H29' does not have the form: d.dddddd, without a local suffix"
    )


def judged(value, field="ChuHoSo"):
    refusal = make_judge(load_version("dvcqg-2020").packets["DongBoHoSoMC"].fields[field])(value)
    return refusal and refusal.code


@pytest.mark.parametrize(
    "character",
    [
        *"\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u061c",
        *"\u200b\u200c\u200d\u2060\ufeff\u00ad\u180e\u206a\ufff9\x7f\x85\x9b\U000e0041",
    ],
    ids=lambda character: f"U+{ord(character):04X}",
)
def test_no_character_that_nobody_sees_reaches_the_portal(character):
    found = [judged(f"{character}Nguyễn"), judged(f"Ngu{character}yễn"), judged(f"Lê{character}")]

    assert found == ["value.invisible_characters"] * 3


@pytest.mark.parametrize(
    "value", ["Nguyễn Thị Mẫu", "Lê\u00a0Văn", "a\tb\r\nc", "名前", "Łódź №1 😀"]
)
def test_what_can_be_seen_and_every_space_may_stand(value):
    assert judged(value, "GhiChu") is None


def test_what_is_not_seen_is_named_with_its_place_and_two_remedies():
    field = load_version("dvcqg-2020").packets["DongBoHoSoMC"].fields["ChuHoSo"]

    refusal = make_judge(field)("Trần\u202e oàT")

    assert refusal.text.en == (
        "character 5 cannot be seen: U+202E RIGHT-TO-LEFT OVERRIDE, in 'Trần\\u202e oàT'"
    )
    assert refusal.suggestion.vi == "xóa ký tự này tại nguồn"
    assert refusal.for_integrator.vi == (
        "nếu hệ thống của đơn vị luôn thêm vào: "
        r"""text: [{replace: ['[\p{Cf}\x7f-\x{9f}]', ""]}]"""
    )


def test_the_remedy_that_is_named_removes_them(value_of):
    rule = r"""{from: a, text: [{replace: ['[\p{Cf}\x7f-\x{9f}]', ""]}]}"""

    assert value_of(rule, {"a": "\ufeffTr\u202eần\x85 Mẫ\u200du"}) == "Trần Mẫu"
