"""Which words a mapping knows for a field, and what they become."""

from datetime import date

import pytest

from mappings import allowed, load_agencies, load_mapping
from mappings.allowed import allowed_values

DAY = date(2026, 3, 2)
STATUSES = """{ignore_case: true, entries: [
    {from: [Mới, Vừa đến], to: "2"},
    {from: Cũ, to: "4", valid_to: 2026-03-01},
    {from: Sau, to: "5", valid_from: 2026-03-03},
    {from: Nay, to: "9", valid_from: 2026-03-02, valid_to: 2026-03-02},
    {from: Không, to: ""}]}"""


@pytest.fixture
def known(load, mapping_text):
    """Return what is known for fields of a mapping: value, code and meaning."""

    def run(field, rule, **top):
        file = load(mapping_text({field: rule}, **top))
        found = allowed_values(file, day=DAY).get(field, ())
        return [(one.value, one.code, one.meaning and one.meaning.vi) for one in found]

    return run


def test_the_words_of_a_code_list_are_those_of_the_day(known):
    assert known("TrangThaiHoSo", "{from: tt, codes: s}", code_lists=f"{{s: {STATUSES}}}") == [
        ("Mới", "2", "Được tiếp nhận"),
        ("Vừa đến", "2", "Được tiếp nhận"),
        ("Nay", "9", "Đã xử lý xong"),
    ]


@pytest.mark.parametrize(
    ("rule", "values"),
    [
        ("loai", ["1", "2", "3", "4"]),
        ('{from: loai, codes: {CN: "1"}, default: "1"}', ["CN"]),
        ('{first: [{from: loai, codes: {CN: "1"}}, {constant: "2"}]}', ["CN"]),
        ('{first: [{from: loai, codes: {CN: "1"}}, kieu]}', []),
        ('{constant: "1"}', []),
        ("{template: '{loai}'}", []),
    ],
)
def test_a_code_of_the_portal_stands_for_itself_where_nothing_converts_it(known, rule, values):
    assert [value for value, _, _ in known("LoaiDoiTuong", rule)] == values


def test_where_anything_may_stand_nothing_is_offered(known, monkeypatch):
    assert known("ChuHoSo", "chu") == []
    monkeypatch.setattr(allowed, "MOST", 3)
    assert known("LoaiDoiTuong", "loai") == []


def test_items_of_a_list_and_progress_rows_have_theirs():
    agencies = load_agencies(None)
    found = allowed_values(load_mapping(agencies.path("igate-one-stop")), day=DAY)

    assert [one.value for one in found["TaiLieuNop.IsDeleted"]] == ["true", "false"]
    assert [one.code for one in found["CapNhatTienDoHoSoMC.TrangThai"]] == [
        str(number) for number in range(1, 11)
    ]
