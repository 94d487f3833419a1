"""What is seen of a sample before a mapping is drafted: sheets that belong together, bad text."""

import io

import openpyxl
import pytest
from openpyxl.styles import Font

from lienthong.drafting import look_at
from mappings import load_mapping
from mappings.drafts import propose, write_draft
from schemas.model import load_version
from schemas.problem import Language

VNI = ["Nguyeãn Thò Thuûy", "Voõ Thò Haïnh", "Tröông Ñöùc Loäc", "Leâ Thò Caåm", "Hoà Kim Böôûi"]


def drafted(source, *, file_name="a.xlsx", language=Language.EN, **given):
    seen = look_at(source, file_name=file_name, limit=1000, **given)
    draft = propose(seen.profile, load_version("dvcqg-2020"), sheets=seen.sheets)
    text = write_draft(
        draft,
        name="mau",
        agency_code="H29.36",
        agency_name="Mẫu",
        schema="dvcqg-2020",
        is_schema_given=True,
        options=seen.options,
        file_name=file_name,
        source_doubts=[doubt.say(language) for doubt in seen.doubts],
        language=language,
    )
    return {one.target.name: one for one in draft.proposals}, text


def saved(book):
    target = io.BytesIO()
    book.save(target)
    target.seek(0)
    return target


def rows(sheet, *values):
    for each in values:
        sheet.append(each)
    return sheet


@pytest.fixture
def book():
    book = openpyxl.Workbook()
    book.active.title = "HOSO"
    rows(
        book.active,
        ("ID", "Mã hồ sơ", "Họ tên", "Lệ phí"),
        *((100 + n, f"H29.36-250707-{n:04}", f"Người {n}", "75.000") for n in range(1, 9)),
    )
    rows(
        book.create_sheet("Giấy tờ (kèm)"),
        ("Danh sách",),
        ("HoSoID", "TenGiayTo", "TepTin", "SoLuong"),
        # Text in one sheet, a number in the other; and one row of no dossier.
        *((str(100 + n), f"Đơn {n}", f"/tep/{n}.pdf", 1) for n in [1, 1, 2, 3, 4, 5, 6, 7, 8, 77]),
    )
    rows(book.create_sheet("Danh mục"), ("Ma", "Ten"), ("A", "a"), ("B", "b"))
    return book


def test_a_sheet_that_names_the_records_is_proposed_with_its_key_and_group(book, tmp_path):
    found, text = drafted(saved(book))

    assert "  # DOUBT: there are further sheets, which the draft does not use: " in text
    assert "Giấy tờ (kèm) (10), Danh mục (2)\n" in text
    assert "in 9 of 10 rows HoSoID names the ID of a record" in text
    assert found["TaiLieuNop"].items.path == "Giấy tờ kèm"
    assert found["TaiLieuNop"].items.fields == {
        "TenTepDinhKem": "TenGiayTo",
        "DuongDanTaiTepTin": "TepTin",
    }
    path = tmp_path / "draft.yaml"
    path.write_text(text, encoding="utf-8")
    assert load_mapping(path, is_draft=True).source.children == {}

    ready = [line.replace("  # ", "  ", 1) if is_ready(line) else line for line in text.split("\n")]
    path.write_text("\n".join(ready), encoding="utf-8")
    mapping = load_mapping(path, is_draft=True)

    (child,) = mapping.source.children.values()
    assert (mapping.source.key, child.key) == ("ID", "HoSoID")
    assert (child.sheet, child.header_row) == ("Giấy tờ (kèm)", 2)
    assert "TaiLieuNop" in mapping.dossier


def is_ready(line):
    starts = ("key:", "children:", '  "Giấy tờ kèm":', "TaiLieuNop:\n", "  each:", "  fields:")
    return line.startswith(tuple(f"  # {start}" for start in starts)) or line == "  # TaiLieuNop:"


def test_sheets_without_a_common_key_are_named_and_not_joined(book):
    del book["Giấy tờ (kèm)"]

    _, text = drafted(saved(book))

    assert "which the draft does not use: Danh mục (2)\n" in text
    assert "children" not in text


def test_a_column_that_repeats_in_the_main_sheet_is_no_key(book):
    for row in book["HOSO"].iter_rows(min_row=2, max_col=1):
        row[0].value = 101

    _, text = drafted(saved(book))

    assert "children" not in text


def test_a_key_that_two_records_have_is_told(book):
    rows(book["HOSO"], *((n, f"H29.36-250708-{n}", "Ai đó", "") for n in range(1001, 1011)))
    rows(book["HOSO"], (101, "H29.36-250709-0001", "Người khác", ""))

    _, text = drafted(saved(book))

    assert "1 values of ID stand at several records: each of these gets the rows" in text


def test_the_fee_of_a_record_is_offered_to_the_list_of_fees(book):
    found, _ = drafted(saved(book))

    assert (found["DanhSachLePhi"].items.path, found["DanhSachLePhi"].items.fields) == (
        "",
        {"Gia": "Lệ phí"},
    )


def test_a_name_of_a_sheet_cannot_write_into_the_file(book, tmp_path):
    book["Giấy tờ (kèm)"].title = 'x"} # \u2028y'

    _, text = drafted(saved(book))

    path = tmp_path / "draft.yaml"
    path.write_text(text, encoding="utf-8")
    assert load_mapping(path, is_draft=True).source.children == {}


@pytest.mark.parametrize("language", list(Language))
def test_damaged_text_sets_the_repair_and_says_where_it_was_found(language):
    data = "Mã hồ sơ;Họ tên\n" + "".join(
        f"H29.36-250707-{n:04};{name}\n" for n, name in enumerate(VNI * 3, 1)
    )

    _, text = drafted(io.BytesIO(data.encode()), file_name="a.csv", language=language)

    (doubt,) = [line for line in text.splitlines() if "`repair`" in line]
    assert '  repair: "on"\n' in text
    assert "Họ tên: vni (15x)" in doubt
    assert "Thuûy" not in text
    assert "Thủy" not in text


def test_words_of_a_code_list_are_those_that_the_mapping_will_see():
    words = ["Ñaõ tieáp nhaän", "Ñang xöû lyù", "Ñaõ traû keát quaû"]
    data = "Mã hồ sơ;Tình trạng\n" + "".join(
        f"H29.36-250707-{n:04};{word}\n" for n, word in enumerate(words * 5, 1)
    )

    found, _ = drafted(io.BytesIO(data.encode()), file_name="a.csv")

    assert sorted(found["TrangThaiHoSo"].codes) == [
        "Đang xử lý",
        "Đã tiếp nhận",
        "Đã trả kết quả",
    ]


def test_the_font_of_a_cell_tells_what_its_letters_do_not():
    book = openpyxl.Workbook()
    rows(book.active, ("Mã hồ sơ", "Họ tên"))
    for n in range(1, 9):
        rows(book.active, (f"H29.36-250707-{n:04}", "Traàn Vaên Nô"))
        book.active.cell(row=n + 1, column=2).font = Font(name="VNI-Times")

    _, text = drafted(saved(book))

    assert '  repair: "on"\n' in text
    assert "Họ tên: vni (8x)" in text


def test_damage_in_a_further_sheet_counts_as_well(book):
    for n, name in enumerate(VNI, 3):
        book["Giấy tờ (kèm)"].cell(row=n, column=2).value = name

    _, text = drafted(saved(book))

    assert '  repair: "on"\n' in text
    assert "Giấy tờ (kèm): TenGiayTo: vni (5x)" in text


def test_right_text_and_markup_alone_set_nothing():
    data = "Mã hồ sơ;Họ tên\nH29.36-250707-0001;Nguy&#7877;n V&#259;n A\nH29.36-250707-0002;Lê B\n"

    _, text = drafted(io.BytesIO(data.encode()), file_name="a.csv")

    assert "repair" not in text
