"""A district's PortalQH: UTF-16 with tabs, Vietnamese letters as numeric character references."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from lienthong.samples.delimited import column_label, lay_out
from lienthong.samples.people import make_person
from lienthong.samples.shapes import Finding, Flaw, Record, Shape, moment, set_to

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from random import Random

    from lienthong.samples.shapes import Entry
    from schemas.problem import Place

COLUMNS = (
    "TINHTHANH", "SOBIENNHAN", "HOTEN", "DIACHI", "NGAYNHAN", "NGAYHENTRA", "LOAIHOSO",
    "MATINHTRANG", "TENTINHTRANG", "GHICHU", "MAHOSO",
)  # fmt: skip
_KINDS = (
    ("CPXDXM", "Cấp phép xây dựng nhà ở"),
    ("CPXDSC", "Cấp phép sửa chữa, cải tạo nhà ở"),
    ("CPXDGH", "Gia hạn giấy phép xây dựng"),
    ("CPKTDK", "Đăng ký thành lập hộ kinh doanh"),
    ("CPKTTD", "Thay đổi nội dung đăng ký hộ kinh doanh"),
)
_STATES = (
    ("DTN", "Đã tiếp nhận"),
    ("CCV", "Chuyển chuyên viên"),
    ("DTDP", "Đang thẩm định"),
    ("YBS", "Yêu cầu bổ sung"),
    ("TDXP", "Đã trả kết quả"),
    ("HUY", "Hủy hồ sơ"),
)


def references(text: str) -> str:
    """Return `text` with every letter beyond ASCII as a decimal character reference."""
    return text.encode("ascii", "xmlcharrefreplace").decode("ascii")


def _make(random: Random, number: int) -> list[Record]:
    person = make_person(random, number=number)
    received = moment(random, first_day="2025-01-06", days=140)
    kind, kind_name = random.choice(_KINDS)
    state, state_name = random.choice(_STATES)
    street = f"{random.randrange(1, 200)}/{random.randrange(1, 30)} đường mẫu số 7, Quận 1"
    record: Record = {
        "TINHTHANH": "79",
        "SOBIENNHAN": f"{received:%Y}{kind}{number:010d}",
        "HOTEN": references(person.name),
        "DIACHI": references(street),
        "NGAYNHAN": received.strftime("%d/%m/%Y"),
        "NGAYHENTRA": (received + timedelta(days=21)).strftime("%d/%m/%Y"),
        "LOAIHOSO": references(kind_name),
        "MATINHTRANG": state,
        "TENTINHTRANG": references(state_name),
        "GHICHU": references(random.choice(("", "Nhà 3 tầng & sân thượng", 'Bản vẽ "mẫu A"'))),
        "MAHOSO": f"000.00.30.H29-{received:%y%m%d}-{number:04d}",
    }
    return [record]


def _write(path: Path, entries: Sequence[Entry]) -> list[Place]:
    text, places = lay_out(
        entries, columns=COLUMNS, delimiter="\t", file_name=path.name, quotes=False
    )
    # The byte order is named, so that the same file comes out on every machine.
    path.write_bytes(b"\xff\xfe" + text.encode("utf-16-le"))
    return places


def _with_extra_cell(record: Record) -> list[str]:
    """Return the cells of a row in which someone typed a tab."""
    return [str(record[column]) for column in COLUMNS] + [references("chuyển sang")]


_FLAWS = (
    Flaw(
        spoil=set_to(NGAYNHAN="29/02/2025"),
        findings=(Finding("mapping.date_invalid", "NGAYNHAN", "NgayTiepNhan"),),
    ),
    Flaw(spoil=_with_extra_cell, findings=(Finding("csv.ragged", None, None),)),
    Flaw(
        spoil=set_to(MATINHTRANG="XYZ"),
        findings=(Finding("mapping.code_unknown", "MATINHTRANG", "TrangThaiHoSo"),),
    ),
    Flaw(
        spoil=set_to(MATINHTRANG="HUYP", GHICHU=references("Nhập lại")),
        findings=(Finding("dossier.duplicate", None, "MaHoSo"),),
        repeats=True,
    ),
    Flaw(
        spoil=set_to(LOAIHOSO=""),
        findings=(Finding("mapping.field_missing", "LOAIHOSO", "TenTTHC"),),
    ),
    Flaw(
        spoil=set_to(SOBIENNHAN="42/CPXD/2025"),
        findings=(
            Finding("mapping.text_no_match", "SOBIENNHAN", "MaTTHC"),
            Finding("mapping.text_no_match", "SOBIENNHAN", "MaLinhVuc"),
            Finding("mapping.text_no_match", "SOBIENNHAN", "TenLinhVuc"),
        ),
    ),
    Flaw(
        spoil=set_to(SOBIENNHAN="2025CPXDZZ0000009999"),
        findings=(Finding("mapping.code_unknown", "SOBIENNHAN", "MaTTHC"),),
    ),
    Flaw(
        spoil=set_to(GHICHU="Ghi ch&#250; qu&#225; d&#224;i. " * 130),
        findings=(Finding("mapping.too_long", "GHICHU", "GhiChu"),),
    ),
    Flaw(
        spoil=set_to(DIACHI="12/3 &#273;\x01&#432;&#7901;ng s&#7889; 5"),
        findings=(Finding("mapping.value_refused", "DIACHI", "ThongTinKhac"),),
    ),
    Flaw(
        spoil=set_to(NGAYHENTRA="00/00/0000"),
        findings=(Finding("mapping.date_invalid", "NGAYHENTRA", "NgayHenTra"),),
    ),
    Flaw(
        spoil=set_to(NGAYNHAN="", MATINHTRANG=""),
        findings=(
            Finding("mapping.field_missing", "NGAYNHAN", "NgayTiepNhan"),
            Finding("mapping.field_missing", "MATINHTRANG", "TrangThaiHoSo"),
        ),
    ),
    Flaw(
        spoil=set_to(MAHOSO="", SOBIENNHAN=""),
        findings=(
            Finding("mapping.field_missing", "MAHOSO", "MaHoSo"),
            Finding("mapping.field_missing", "SOBIENNHAN", "MaTTHC"),
            Finding("mapping.field_missing", "SOBIENNHAN", "MaLinhVuc"),
            Finding("mapping.field_missing", "SOBIENNHAN", "TenLinhVuc"),
        ),
    ),
)

DISTRICT = Shape(
    agency="district-portalqh",
    file_name="district-portalqh.txt",
    make=_make,
    key="MAHOSO",
    flaws=_FLAWS,
    write=_write,
    narrow=lambda place, key: place.at(column=column_label(COLUMNS, key)),
)
