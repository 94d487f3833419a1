"""Business registration: XML with namespaces and attributes, several snapshots of one dossier."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from lxml import etree

from lienthong.samples.catalogue import procedures, wards
from lienthong.samples.people import make_person
from lienthong.samples.shapes import Finding, Flaw, Record, Shape, moment, set_to
from schemas.problem import Place

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from random import Random

    from lienthong.samples.shapes import Entry

MAIN = "urn:mau:dang-ky-kinh-doanh"
PAPERS = "urn:mau:tai-lieu"
_FIELD = "Thành lập và hoạt động của doanh nghiệp"
_STAGES = (
    ("TIEPNHAN", "Được tiếp nhận"),
    ("XULY", "Đang xử lý"),
    ("COKETQUA", "Có kết quả"),
    ("TRAKETQUA", "Đã trả kết quả"),
)
_TRADES = ("THƯƠNG MẠI", "DỊCH VỤ", "XÂY DỰNG", "VẬN TẢI", "CÔNG NGHỆ")


def _make(random: Random, number: int) -> list[Record]:
    procedure = random.choice(procedures(_FIELD))
    person = make_person(random, number=number)
    received = moment(random, first_day="2025-07-07", days=300)
    ward = random.choice(wards()).name
    address = f"Số {random.randrange(1, 300)} đường mẫu số {random.randrange(1, 40)}, {ward}"
    base: Record = {
        "@maHoSo": f"H29.17-{received:%y%m%d}-{number:04d}",
        "ThuTuc": {"@ma": procedure.code, "#text": procedure.title},
        "KenhNop": random.choice(("QUAY", "MANG", "BUUCHINH")),
        "MainInformation": {
            "NAME": f"CÔNG TY TNHH {random.choice(_TRADES)} MẪU SỐ {number}",
            "ENTERPRISE_GDT_CODE": f"0000{number:06d}",
        },
        "HOAdress": {"AddressFullText": address, "WardName": ward},
        "Representatives": [{"FULL_NAME": person.name}] * random.randrange(1, 3),
        "LienHe": {"@dienThoai": person.phone, "@thuDienTu": person.email},
        "NgayTiepNhan": received.isoformat(),
        "NgayHenTra": (received + timedelta(days=3)).isoformat(),
        "NhanKetQua": random.choice(("QUAY", "BUUCHINH")),
        "GiayTo": [
            {
                "@id": str(number * 10 + order),
                "@daXoa": "0",
                "Ten": name,
                "DuongDan": f"https://hoso.example.vn/dk/{number}/{order}",
            }
            for order, name in enumerate(("Giấy đề nghị", "Điều lệ & danh sách", "Ủy quyền"))
        ][: random.randrange(4)],
    }
    snapshots = [
        base | {"@lanCapNhat": str(turn), "TrangThai": {"@ma": stage, "#text": text}}
        for turn, (stage, text) in enumerate(_STAGES[: random.randrange(1, 5)], start=1)
    ]
    if random.random() < 0.2:
        # Some exports list the newest first; lanCapNhat still tells the order.
        snapshots.reverse()
    return snapshots


def _write(path: Path, entries: Sequence[Entry]) -> list[Place]:
    root = etree.Element(_name("DanhSachHoSo"), nsmap={"dk": MAIN, "tl": PAPERS})
    root.append(etree.Comment(" dữ liệu mẫu "))
    for entry in entries:
        _append(root, "HoSo", entry.content)
    etree.indent(root)
    text = etree.tostring(root, xml_declaration=True, encoding="UTF-8") + b"\n"
    path.write_bytes(text)
    starts = (
        line
        for line, content in enumerate(text.split(b"\n"), start=1)
        if content.lstrip().startswith((b"<dk:HoSo>", b"<dk:HoSo "))
    )
    return [
        Place(file=path.name, line=line, path=f"/DanhSachHoSo/HoSo[{number}]")
        for number, line in enumerate(starts, start=1)
    ]


def _append(parent: etree._Element, name: str, value: object) -> None:
    if isinstance(value, list):
        for item in value:
            _append(parent, name, item)
        return
    element = etree.SubElement(parent, _name(name))
    if not isinstance(value, dict):
        element.text = str(value)
        return
    for key, part in value.items():
        if key == "#text":
            element.text = str(part)
        elif key.startswith("@"):
            element.set(key[1:], str(part))
        else:
            _append(element, key, part)


def _name(name: str) -> str:
    return f"{{{PAPERS if name in ('GiayTo', 'Ten', 'DuongDan') else MAIN}}}{name}"


_FLAWS = (
    Flaw(
        spoil=set_to(NgayTiepNhan="2025-02-31T08:15:00+07:00"),
        findings=(Finding("mapping.date_invalid", "NgayTiepNhan", "NgayTiepNhan"),),
    ),
    Flaw(
        spoil=set_to(TrangThai={"@ma": "DANGXULY", "#text": "Đang xử lý"}),
        findings=(Finding("mapping.code_unknown", "TrangThai.@ma", "TrangThaiHoSo"),),
    ),
    Flaw(
        spoil=lambda record: {key: record[key] for key in record if key != "@maHoSo"},
        findings=(Finding("mapping.field_missing", "@maHoSo", "MaHoSo"),),
    ),
    Flaw(
        spoil=set_to(ThuTuc={"@ma": "9.999999", "#text": "Thủ tục không có"}),
        findings=(
            Finding("mapping.lookup_unknown", "ThuTuc.@ma", "TenTTHC"),
            Finding("mapping.lookup_unknown", "ThuTuc.@ma", "TenLinhVuc"),
        ),
    ),
    Flaw(
        spoil=set_to(KenhNop=["QUAY", "MANG"]),
        findings=(Finding("mapping.not_a_value", "KenhNop", "KenhThucHien"),),
    ),
    Flaw(
        spoil=set_to(GiayTo={"@id": "1", "@daXoa": "co", "Ten": "Điều lệ"}),
        findings=(Finding("mapping.code_unknown", "GiayTo.@daXoa", "TaiLieuNop[1].IsDeleted"),),
    ),
    Flaw(
        spoil=set_to(LienHe={"@dienThoai": "0900000999 " * 6}),
        findings=(Finding("mapping.too_long", "LienHe.@dienThoai", "SoDienThoai"),),
    ),
    Flaw(
        spoil=set_to(NgayTiepNhan="0225-03-05T08:15:00+07:00", NhanKetQua="EMAIL"),
        findings=(
            Finding("mapping.date_implausible", "NgayTiepNhan", "NgayTiepNhan"),
            Finding("mapping.code_unknown", "NhanKetQua", "HinhThuc"),
        ),
    ),
    Flaw(
        spoil=set_to(NgayHenTra="ba ngày làm việc"),
        findings=(Finding("mapping.date_invalid", "NgayHenTra", "NgayHenTra"),),
    ),
    Flaw(
        spoil=set_to(TrangThai="", NgayTiepNhan=""),
        findings=(
            Finding("mapping.field_missing", "NgayTiepNhan", "NgayTiepNhan"),
            Finding("mapping.field_missing", "TrangThai.@ma", "TrangThaiHoSo"),
        ),
    ),
)

BUSINESS = Shape(
    agency="business-registration",
    file_name="business-registration.xml",
    make=_make,
    key="@maHoSo",
    flaws=_FLAWS,
    write=_write,
)
