"""The health department: JSON of a WCF service with /Date()/, numeric ids and '1'-or-null flags."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from lienthong.samples.documents import write_page
from lienthong.samples.people import make_person
from lienthong.samples.shapes import Finding, Flaw, Record, Shape, moment, set_to

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path
    from random import Random

    from lienthong.samples.shapes import Entry
    from schemas.problem import Place

# The packaged catalogue has no procedures of the health sector: ids and titles are samples.
_PROCEDURES = (
    (131, 7, "Dược phẩm", "Cấp Chứng chỉ hành nghề dược"),
    (132, 7, "Dược phẩm", "Cấp lại Chứng chỉ hành nghề dược"),
    (140, 7, "Dược phẩm", "Cấp Giấy chứng nhận đủ điều kiện kinh doanh dược"),
    (141, 7, "Dược phẩm", "Điều chỉnh Giấy chứng nhận đủ điều kiện kinh doanh dược"),
    (150, 8, "Khám bệnh, chữa bệnh", "Cấp giấy phép hoạt động khám bệnh, chữa bệnh"),
)
_NO_DATE = "/Date(-62135596800000)/"
_DONE = 8


def _make(random: Random, number: int) -> list[Record]:
    procedure, field, field_name, title = random.choice(_PROCEDURES)
    person = make_person(random, number=number)
    received = moment(random, first_day="2025-02-03", days=380)
    due = received + timedelta(days=random.randrange(10, 30))
    status = random.choice((1, 2, 3, 4, 5, 7, _DONE, _DONE))
    record: Record = {
        "RowNo": number,
        "HoSoID": 55_000 + number,
        "SoBienNhan": f"{number:04d}/SYT-NVD",
        "MaHoSoMotCua": f"000.00.15.H29-{received:%y%m%d}-{number:04d}",
        "NgayNhan": _wcf(received, random.choice(("+0700", ""))),
        "NgayHenTra": _wcf(due, "+0700"),
        "NgayTra": _wcf(due, "") if status == _DONE else random.choice((_NO_DATE, None)),
        "LinhVucID": field,
        "TenLinhVuc": field_name,
        "ThuTucID": procedure,
        "TenThuTuc": title,
        "HoTenNguoiNop": person.name,
        "GioiTinhID": random.randrange(1, 3),
        "NgaySinh": random.choice(("1985", "20/01/1990", None)),
        "SoGiayTo": person.identity,
        "Phone": person.phone,
        "Email": random.choice((person.email, "", None)),
        "TrangThaiHoSoID": status,
        "QuaTrinhXuLyHienTaiID": 9_000_000 + number,
        "NopQuaMang": random.choice(("1", None)),
        "TraQuaBuuDien": random.choice(("1", None)),
        "LePhi": random.choice((0, 500_000, 1_000_000)),
        "GhiChu": None,
        "lstChungTuKemTheo": [
            {
                "ChungTuID": number * 10 + order,
                "AttachOriginalName": f"ChungTu{order}.pdf",
                "AttachUrl": f"https://hoso.example.vn/syt/{number}/{order}",
            }
            for order in range(1, random.randrange(1, 4))
        ],
    }
    return [record]


def _wcf(when: datetime, offset: str) -> str:
    """Return the wire form: milliseconds since 1970 in UTC; the offset is only decoration."""
    return f"/Date({int(when.timestamp()) * 1000}{offset})/"


def _write(path: Path, entries: Sequence[Entry]) -> list[Place]:
    around: Record = {"PageIndex": 1, "PageSize": len(entries), "TotalItems": len(entries)}
    return write_page(path, entries, records="Data", around=around)


_FLAWS = (
    Flaw(
        spoil=set_to(NgayNhan="05/03/2025"),
        findings=(Finding("mapping.date_invalid", "NgayNhan", "NgayTiepNhan"),),
    ),
    Flaw(
        spoil=set_to(TrangThaiHoSoID=77),
        findings=(Finding("mapping.code_unknown", "TrangThaiHoSoID", "TrangThaiHoSo"),),
    ),
    Flaw(
        spoil=set_to(ThuTucID=999),
        findings=(Finding("mapping.code_unknown", "ThuTucID", "MaTTHC"),),
    ),
    Flaw(spoil=lambda _: None, findings=(Finding("json.not_object", None, None),)),
    Flaw(
        spoil=set_to(TrangThaiHoSoID=6, GhiChu="Ghi trùng"),
        findings=(Finding("dossier.duplicate", None, "MaHoSo"),),
        repeats=True,
    ),
    Flaw(
        spoil=set_to(MaHoSoMotCua="0421/SYT-NVD"),
        findings=(Finding("mapping.value_refused", "MaHoSoMotCua", "MaHoSo"),),
    ),
    Flaw(
        spoil=set_to(NgayNhan=_NO_DATE),
        findings=(Finding("mapping.date_implausible", "NgayNhan", "NgayTiepNhan"),),
    ),
    Flaw(
        spoil=set_to(LePhi="500 nghìn"),
        findings=(Finding("mapping.number_invalid", "LePhi", "DanhSachLePhi[1].Gia"),),
    ),
    Flaw(
        spoil=set_to(HoTenNguoiNop="Võ\x00Văn Long (mẫu)"),
        findings=(Finding("json.nul", "HoTenNguoiNop", None),),
    ),
    Flaw(
        spoil=set_to(NopQuaMang=True),
        findings=(Finding("mapping.code_unknown", "NopQuaMang", "KenhThucHien"),),
    ),
    Flaw(
        spoil=set_to(TrangThaiHoSoID=9),
        findings=(Finding("mapping.code_not_valid", "TrangThaiHoSoID", "TrangThaiHoSo"),),
    ),
    Flaw(
        spoil=set_to(LinhVucID=None, TenThuTuc=None),
        findings=(
            Finding("mapping.field_missing", "TenThuTuc", "TenTTHC"),
            Finding("mapping.field_missing", "LinhVucID", "MaLinhVuc"),
        ),
    ),
)

HEALTH = Shape(
    agency="health-department",
    file_name="health-department.json",
    make=_make,
    key="MaHoSoMotCua",
    flaws=_FLAWS,
    write=_write,
)
