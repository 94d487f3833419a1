"""
Write the XSD, WSDL and manifest files of every schema version from one table of fields.

The two versions differ only in the fields marked with `since=2022`, so they are made from one
table and cannot drift apart. Once the official files are there, they replace the written ones
and only the manifests are written: `make_schemas.py --manifests`. Without it, everything is.

Sources, as cited in the documentation of each field: OCPS = OpenCPS v2 (open source, 2020-21),
TD = a province's system (2025), IG = the connector of another one-stop system. The official
connection guide is not public; where a rule is an implementer's, the documentation says so.
"""
# One field a line reads as the table it is.
# ruff: noqa: INP001, E501

from __future__ import annotations

import argparse
import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

SCHEMAS = Path(__file__).resolve().parent.parent / "schemas"
FILES = ("dossier.xsd", "messages.xsd", "portal.wsdl")
YEARS = (2020, 2022)


@dataclass(frozen=True, slots=True)
class F:
    """One field; `kind` names a simple or group type of the dossier schema."""

    name: str
    kind: str
    vi: str
    en: str
    required: bool = False
    max_length: int | None = None
    since: int = 2020
    repeated: bool = False


R = True
# fmt: off
HOSO = (
    F("MaHoSo", "MaHoSo", "Mã hồ sơ, khoá của hồ sơ trên toàn quốc", "Dossier code, the national key of the dossier", R),
    F("MaTTHC", "MaTTHC", "Mã thủ tục hành chính quốc gia", "National code of the administrative procedure", R),
    F("TenTTHC", "VanBan", "Tên thủ tục hành chính", "Name of the administrative procedure", R),
    F("MaLinhVuc", "VanBan", "Mã lĩnh vực, ví dụ G03-GD10 (tối đa 50 ký tự theo cơ sở dữ liệu của TD)", "Code of the administrative field, e.g. G03-GD10 (limit of 50 from TD's database)", R, 50),
    F("TenLinhVuc", "VanBan", "Tên lĩnh vực (tối đa 500 ký tự theo cơ sở dữ liệu của TD)", "Name of the administrative field (limit of 500 from TD's database)", R, 500),
    F("SoBienNhan", "VanBan", "Số biên nhận", "Number of the acknowledgement slip"),
    F("KenhThucHien", "KenhThucHien", "Kênh thực hiện (OCPS không gửi; TD có gửi)", "Channel of submission (not sent by OCPS, sent by TD)"),
    F("ChuHoSo", "VanBan", "Chủ hồ sơ (tối đa 500 ký tự theo cơ sở dữ liệu của TD)", "Owner of the dossier (limit of 500 from TD's database)", False, 500),
    F("LoaiDoiTuong", "LoaiDoiTuong", "Loại đối tượng nộp hồ sơ", "Kind of applicant", R),
    F("MaDoiTuong", "VanBan", "Mã đối tượng: TechID của tài khoản trên Cổng (tối đa 50 ký tự theo cơ sở dữ liệu của TD)", "Applicant id: TechID of the portal account (limit of 50 from TD's database)", False, 50),
    F("SoGiayToChuHoSo", "VanBan", "Số giấy tờ của chủ hồ sơ (tối đa 100 ký tự theo cơ sở dữ liệu của TD)", "Number of the owner's identity paper (limit of 100 from TD's database)", False, 100, 2022),
    F("ThongTinKhac", "VanBan", "Thông tin khác", "Other information"),
    F("Email", "VanBan", "Thư điện tử (tối đa 100 ký tự theo cơ sở dữ liệu của TD)", "Email address (limit of 100 from TD's database)", False, 100),
    F("Fax", "VanBan", "Số fax", "Fax number"),
    F("SoDienThoai", "VanBan", "Số điện thoại (tối đa 50 ký tự theo cơ sở dữ liệu của TD)", "Telephone number (limit of 50 from TD's database)", False, 50),
    F("TrichYeuHoSo", "VanBan", "Trích yếu hồ sơ (TD cắt khi dài hơn 1000 ký tự)", "Summary of the dossier (TD shortens it beyond 1000 characters)", False, 1000),
    F("NgayTiepNhan", "ThoiDiem", "Thời điểm tiếp nhận", "Time of reception", R),
    F("NgayHenTra", "ThoiDiem", "Thời điểm hẹn trả kết quả", "Time by which the result is due"),
    F("TrangThaiHoSo", "TrangThai", "Trạng thái hồ sơ", "Status of the dossier", R),
    F("NgayTra", "ThoiDiem", "Thời điểm trả kết quả", "Time at which the result was returned"),
    F("ThongTinTra", "VanBan", "Thông tin trả kết quả", "Information about the return of the result"),
    F("HinhThuc", "HinhThuc", "Hình thức trả kết quả", "How the result is returned", R),
    F("NgayKetThucXuLy", "ThoiDiem", "Thời điểm kết thúc xử lý", "Time at which processing ended"),
    F("DonViXuLy", "VanBan", "Tên đơn vị xử lý (tên, không phải mã)", "Name of the processing unit (the name, not a code)", R),
    F("GhiChu", "VanBan", "Ghi chú (OCPS ghi nhận: Cổng từ chối khi dài hơn 2000 ký tự)", "Note (OCPS found that the portal refuses more than 2000 characters)", False, 2000),
    F("TaiLieuNop", "TaiLieuNop", "Tài liệu nộp", "Submitted documents", repeated=True),
    F("DanhSachLePhi", "LePhi", "Danh sách phí, lệ phí", "Fees and charges", repeated=True),
    F("DanhSachTepDinhKemKhac", "TepDinhKemKhac", "Danh sách giấy tờ đính kèm khác", "Other attached papers", repeated=True),
    F("DanhSachHoSoBoSung", "HoSoBoSung", "Danh sách các lần yêu cầu bổ sung", "Rounds of supplements", repeated=True),
    F("DanhSachGiayToKetQua", "GiayToKetQua", "Danh sách giấy tờ kết quả", "Result papers", repeated=True),
    F("NoiNopHoSo", "VanBan", "Nơi nộp hồ sơ (TD luôn gửi \"2\"; ý nghĩa các giá trị khác chưa rõ)", "Where the dossier was filed (TD always sends \"2\"; other values are not known)", since=2022),
    F("HoSoCoThanhPhanSoHoa", "CoKhong", "Hồ sơ có thành phần số hoá (theo TD)", "Whether the dossier has digitised components (after TD)", since=2022),
    F("TaiKhoanDuocXacThucVoiVNeID", "CoKhong", "Tài khoản được xác thực với VNeID (theo TD)", "Whether the account was verified by VNeID (after TD)", since=2022),
    F("DuocThanhToanTrucTuyen", "DuocThanhToanTrucTuyen", "Tình trạng thanh toán trực tuyến (theo TD)", "Online payment (after TD)", since=2022),
    F("NgayTuChoi", "ThoiDiem", "Thời điểm từ chối (theo TD)", "Time of refusal (after TD)", since=2022),
    F("DinhDanhCHS", "DinhDanhCHS", "Định danh của chủ hồ sơ (theo TD)", "Identity of the owner (after TD)", since=2022, repeated=True),
    F("NgayNopHoSo", "ThoiDiem", "Thời điểm nộp hồ sơ (theo TD)", "Time of submission (after TD)", since=2022),
    F("DSKetNoiCSDL", "KetNoiCSDL", "Danh sách cơ sở dữ liệu quốc gia đã kết nối (theo TD)", "National databases that were used (after TD)", since=2022, repeated=True),
)
TIENDO = (
    F("MaHoSo", "MaHoSo", "Mã hồ sơ; hồ sơ phải có trên Cổng trước", "Dossier code; the portal must know the dossier already", R),
    F("NguoiXuLy", "VanBan", "Người xử lý (TD cắt khi dài hơn 50 ký tự)", "Officer (TD shortens it beyond 50 characters)", R, 50),
    F("ChucDanh", "VanBan", "Chức danh", "Title of the officer"),
    F("ThoiDiemXuLy", "ThoiDiem", "Thời điểm xử lý", "Time of the step", R),
    F("PhongBanXuLy", "VanBan", "Phòng ban xử lý", "Department of the step"),
    F("NoiDungXuLy", "VanBan", "Nội dung xử lý (OCPS ghi nhận: Cổng từ chối khi không có)", "What was done (OCPS found that the portal refuses a row without it)", R),
    F("TrangThai", "TrangThai", "Trạng thái của bước", "Status of the step", R),
    F("NgayBatDau", "ThoiDiem", "Thời điểm bắt đầu", "Time at which the step began"),
    F("NgayKetThucTheoQuyDinh", "ThoiDiem", "Thời điểm phải kết thúc theo quy định", "Time by which the step must end"),
)
GROUPS: dict[str, tuple[F, ...]] = {
    "TaiLieuNop": (
        F("TepDinhKemId", "VanBan", "Mã tệp đính kèm", "Id of the attached file"),
        F("TenTepDinhKem", "VanBan", "Tên tệp đính kèm (TD cắt khi dài hơn 4000 ký tự)", "Name of the attached file (TD shortens it beyond 4000 characters)", False, 4000),
        F("IsDeleted", "DungSai", "Tệp đã bị xoá", "Whether the file was deleted"),
        F("MaThanhPhanHoSo", "VanBan", "Mã thành phần hồ sơ", "Code of the dossier's component"),
        F("DuongDanTaiTepTin", "VanBan", "Đường dẫn tải tệp tin", "Address from which the file can be fetched"),
        F("DuocSoHoa", "VanBan", "Được số hoá (TD gửi \"1\"; các giá trị khác chưa rõ)", "Digitised (TD sends \"1\"; other values are not known)", since=2022),
        F("DuocTaiSuDung", "DuocTaiSuDung", "Được tái sử dụng (theo TD)", "Reused (after TD)", since=2022),
        F("DuocLayTuKhoDMQG", "CoKhong", "Được lấy từ kho dữ liệu quốc gia (theo TD)", "Taken from the national store (after TD)", since=2022),
        F("MaKetQuaThayThe", "VanBan", "Mã kết quả thay thế (theo TD)", "Code of the result that stands in for it (after TD)", since=2022),
    ),
    "LePhi": (
        F("TenPhiLePhi", "VanBan", "Tên phí, lệ phí", "Name of the fee"),
        F("MaPhiLePhi", "VanBan", "Mã phí, lệ phí (TD luôn gửi \"1\")", "Code of the fee (TD always sends \"1\")"),
        F("HinhThucThu", "VanBan", "Hình thức thu (TD gửi \"1\"; theo IG: 1 khi tiếp nhận, 2 khi bổ sung, 4 khi trả kết quả)", "When it is taken (TD sends \"1\"; after IG: 1 on reception, 2 on supplement, 4 on return)"),
        F("Gia", "VanBan", "Số tiền", "Amount"),
        F("LoaiPhiLePhi", "VanBan", "Loại phí, lệ phí (TD gửi \"1\"; theo IG: 1 thông thường, 2 thẩm định, 3 gia hạn)", "Kind of fee (TD sends \"1\"; after IG: 1 ordinary, 2 appraisal, 3 extension)"),
    ),
    "TepDinhKemKhac": (
        F("TenGiayTo", "VanBan", "Tên giấy tờ", "Name of the paper"),
        F("SoLuong", "xs:int", "Số lượng", "Number of copies"),
        F("LoaiGiayTo", "xs:int", "Loại giấy tờ (ý nghĩa các giá trị chưa rõ)", "Kind of paper (the values are not known)"),
    ),
    "HoSoBoSung": (
        F("HoSoBoSungId", "xs:int", "Mã lần bổ sung", "Id of the round"),
        F("NguoiYeuCauBoSung", "VanBan", "Người yêu cầu bổ sung", "Officer who asked"),
        F("NoiDungBoSung", "VanBan", "Nội dung yêu cầu bổ sung", "What was asked for"),
        F("NgayBoSung", "ThoiDiem", "Thời điểm yêu cầu bổ sung", "Time of the request"),
        F("NguoiTiepNhanBoSung", "VanBan", "Người tiếp nhận bổ sung", "Officer who received the supplement"),
        F("ThongTinTiepNhan", "VanBan", "Thông tin tiếp nhận bổ sung", "About the reception of the supplement"),
        F("NgayTiepNhanBoSung", "ThoiDiem", "Thời điểm tiếp nhận bổ sung", "Time at which the supplement was received"),
        F("TrangThaiBoSung", "DungSai", "Trạng thái bổ sung (kiểu đúng/sai; cách viết theo IsDeleted, chưa xác nhận)", "State of the round (a boolean; written like IsDeleted, not confirmed)"),
        F("DanhSachGiayToBoSung", "TaiLieuNop", "Giấy tờ bổ sung (các trường theo TD)", "Supplemented papers (fields after TD)", repeated=True),
        F("DanhSachLePhiBoSung", "LePhi", "Phí, lệ phí bổ sung (các trường theo TD)", "Supplemented fees (fields after TD)", repeated=True),
        F("NgayHenTraTruoc", "ThoiDiem", "Thời điểm hẹn trả trước khi bổ sung", "Due time before the supplement"),
        F("NgayHenTraMoi", "ThoiDiem", "Thời điểm hẹn trả mới", "New due time"),
    ),
    "GiayToKetQua": (
        F("TenGiayTo", "VanBan", "Tên giấy tờ kết quả (tối đa 2000 ký tự theo TD)", "Name of the result paper (limit of 2000 after TD)", False, 2000),
        F("MaThanhPhanHoSo", "VanBan", "Mã thành phần hồ sơ", "Code of the dossier's component"),
        F("GiayToId", "VanBan", "Mã giấy tờ", "Id of the paper"),
        F("DuongDanTepTinKetQua", "VanBan", "Đường dẫn tệp tin kết quả", "Address of the result file"),
        F("MaGiayToKetQua", "VanBan", "Mã giấy tờ kết quả, ví dụ KQ.G15.000031 (theo TD)", "Code of the result, e.g. KQ.G15.000031 (after TD)", since=2022),
    ),
    "DinhDanhCHS": (
        F("LoaiDinhDanh", "LoaiDinhDanh", "Loại định danh", "Kind of identity number", since=2022),
        F("SoDinhDanh", "VanBan", "Số định danh", "Identity number", since=2022),
    ),
    "KetNoiCSDL": (
        F("MaCSDL", "VanBan", "Mã cơ sở dữ liệu (đã thấy \"1\" và \"7\"; ý nghĩa chưa rõ)", "Code of the database (\"1\" and \"7\" were seen; meaning not known)", since=2022),
    ),
}
CODES: dict[str, tuple[int, str, str, tuple[tuple[str, str, str], ...]]] = {
    "TrangThai": (2020, "Trạng thái", "Status", (
        ("1", "Mới đăng ký", "Newly registered"),
        ("2", "Được tiếp nhận", "Accepted"),
        ("3", "Không được tiếp nhận", "Not accepted"),
        ("4", "Đang xử lý", "In processing"),
        ("5", "Yêu cầu bổ sung giấy tờ", "Supplement requested"),
        ("6", "Yêu cầu thực hiện nghĩa vụ tài chính", "Financial obligation requested"),
        ("7", "Công dân yêu cầu rút hồ sơ", "Withdrawn by the applicant"),
        ("8", "Dừng xử lý", "Processing stopped"),
        ("9", "Đã xử lý xong", "Processing finished"),
        ("10", "Đã trả kết quả", "Result returned"),
    )),
    "KenhThucHien": (2020, "Kênh thực hiện", "Channel", (
        ("1", "Trực tiếp", "At the counter"),
        ("2", "Trực tuyến", "Online"),
        ("3", "Bưu chính công ích", "Public post"),
    )),
    "LoaiDoiTuong": (2020, "Loại đối tượng", "Kind of applicant", (
        ("1", "Công dân, cá nhân", "Citizen"),
        ("2", "Doanh nghiệp", "Enterprise"),
        ("3", "Cơ quan nhà nước", "State agency"),
        ("4", "Tổ chức, khác", "Organisation, other"),
    )),
    "HinhThuc": (2020, "Hình thức trả kết quả", "Return of the result", (
        ("0", "Trực tiếp", "At the counter"),
        ("1", "Bưu chính", "By post"),
    )),
    "DungSai": (2020, "Đúng hoặc sai", "True or false", (
        ("True", "Đúng", "True"),
        ("False", "Sai", "False"),
    )),
    "CoKhong": (2022, "Có hoặc không", "Yes or no", (
        ("0", "Không", "No"),
        ("1", "Có", "Yes"),
    )),
    "DuocThanhToanTrucTuyen": (2022, "Thanh toán trực tuyến", "Online payment", (
        ("0", "Không", "None"),
        ("1", "Đã thanh toán", "Paid"),
        ("3", "Có phí nhưng chưa thanh toán", "Fee not paid yet"),
    )),
    "DuocTaiSuDung": (2022, "Tái sử dụng (theo TD, từ trạng thái số hoá của địa phương)", "Reuse (after TD, from the local state of digitising)", (
        ("0", "Không", "No"),
        ("1", "Trạng thái số hoá 2 của TD", "TD's digitising state 2"),
        ("2", "Trạng thái số hoá 3 của TD", "TD's digitising state 3"),
    )),
    "LoaiDinhDanh": (2022, "Loại định danh", "Kind of identity number", (
        ("1", "Căn cước công dân, 12 chữ số", "Citizen identity card, 12 digits"),
        ("2", "Chứng minh nhân dân, 9 chữ số", "Old identity card, 9 digits"),
    )),
}
VI = (
    "Các trường theo những phần mềm đã kết nối với Cổng, vì lược đồ chính thức chưa công bố. "
    "OCPS: OpenCPS v2, mã nguồn mở, 2020-2021; TD: hệ thống của một tỉnh, 2025; IG: tài liệu kết "
    "nối của một hệ thống một cửa."
)
EN = (
    "The fields as programs connected to the portal use them, because the official schema is not "
    "public. OCPS: OpenCPS v2, open source, 2020-21; TD: the system of a province, 2025; IG: the "
    "connection guide of a one-stop system."
)
# fmt: on
UNIT = r"([0-9]{3}(\.[0-9]{2}){2,3}\.[A-Z][0-9]{2}|([0-9]{2}\.){1,2}[A-Z][0-9]{2}|[A-Z][0-9]{2}(\.[0-9]{1,3})*)"
DAY = "((0[13578]|1[02])(0[1-9]|[12][0-9]|3[01])|(0[469]|11)(0[1-9]|[12][0-9]|30)|02(0[1-9]|1[0-9]|2[0-8]))"
LEAP = "([12][0-9](0[48]|[2468][048]|[13579][26])|(12|16|20|24|28)00)0229"
# fmt: off
PATTERNS = {
    "MaHoSo": (f"{UNIT}-[0-9]{{6}}([0-9]{{2}})?-[0-9]{{4,}}", 50, "Mã đơn vị, ngày tiếp nhận (yyMMdd hoặc yyyyMMdd), số thứ tự trong ngày (các dạng đã thấy; mẫu chính thức chưa công bố)", "Unit code, day of reception (yyMMdd or yyyyMMdd), number of the day (the forms that were seen; the official pattern is not public)"),
    "MaTTHC": (r"[0-9]\.[0-9]{6}", None, "d.dddddd, không có phần đuôi của địa phương", "d.dddddd, without a local suffix"),
    "MaDonVi": (r"[0-9A-Z]+(\.[0-9A-Z]+)*", 35, "Mã định danh cơ quan, theo Quyết định 20/2020/QĐ-TTg", "Code of the agency, after Decision 20/2020/QĐ-TTg"),
    "ThoiDiem": (f"([12][0-9]{{3}}{DAY}|{LEAP})([01][0-9]|2[0-3])[0-5][0-9][0-5][0-9]", None, "yyyyMMddHHmmss, giờ Việt Nam (Asia/Ho_Chi_Minh)", "yyyyMMddHHmmss, in the zone Asia/Ho_Chi_Minh"),
    "MaBanTin": ("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", None, "UUID viết thường của bản tin", "Lower-case UUID of the message"),
    "GiaTriBam": ("[0-9a-f]{64}", None, "SHA-256 của BanTin ở dạng chuẩn tắc (exclusive c14n), viết thập lục phân chữ thường", "SHA-256 of the BanTin in exclusive canonical form, in lower-case hexadecimal"),
}
# fmt: on


# What ends in brackets and cites an implementer is where a rule comes from, not what a field is.
PROVENANCE = re.compile(r"(?P<about>.*?) \((?P<source>[^()]*\b(?:TD|OCPS|IG)\b[^()]*)\)")


def documentation(vi: str, en: str, *, indent: str) -> str:
    lines = [f"{indent}<xs:annotation>\n"]
    sources = []
    for language, text in (("vi", vi), ("en", en)):
        cited = PROVENANCE.fullmatch(text)
        about = cited["about"] if cited else text
        lines.append(
            f'{indent}  <xs:documentation xml:lang="{language}">{escape(about)}</xs:documentation>\n'
        )
        if cited:
            sources.append(
                f'{indent}  <xs:documentation source="implementers" xml:lang="{language}">'
                f"{escape(cited['source'])}</xs:documentation>\n"
            )
    return "".join((*lines, *sources, f"{indent}</xs:annotation>\n"))


def pattern_type(name: str, pattern: str, length: int | None, vi: str, en: str) -> str:
    limit = f'      <xs:maxLength value="{length}"/>\n' if length else ""
    return (
        f'  <xs:simpleType name="{name}">\n{documentation(vi, en, indent="    ")}'
        f'    <xs:restriction base="xs:string">\n{limit}'
        f"      <xs:pattern value={quoteattr(pattern)}/>\n"
        f"    </xs:restriction>\n  </xs:simpleType>\n"
    )


def code_type(name: str, vi: str, en: str, codes: tuple[tuple[str, str, str], ...]) -> str:
    values = "".join(
        f'      <xs:enumeration value="{value}">\n{documentation(*text, indent="        ")}'
        f"      </xs:enumeration>\n"
        for value, *text in codes
    )
    return (
        f'  <xs:simpleType name="{name}">\n{documentation(vi, en, indent="    ")}'
        f'    <xs:restriction base="xs:string">\n{values}    </xs:restriction>\n  </xs:simpleType>\n'
    )


def element(field: F) -> str:
    occurs = "" if field.required else ' minOccurs="0"'
    occurs += ' maxOccurs="unbounded"' if field.repeated else ""
    about = documentation(field.vi, field.en, indent="        ")
    start = f'      <xs:element name="{field.name}"'
    if field.max_length is None:
        return f'{start} type="{field.kind}"{occurs}>\n{about}      </xs:element>\n'
    return (
        f"{start}{occurs}>\n{about}        <xs:simpleType>\n"
        f'          <xs:restriction base="{field.kind}">\n'
        f'            <xs:maxLength value="{field.max_length}"/>\n'
        f"          </xs:restriction>\n        </xs:simpleType>\n      </xs:element>\n"
    )


def group_type(name: str, fields: tuple[F, ...], *, year: int) -> str:
    inside = "".join(element(field) for field in fields if field.since <= year)
    if not inside:
        return ""
    return (
        f'  <xs:complexType name="{name}">\n    <xs:sequence>\n{inside}'
        f"    </xs:sequence>\n  </xs:complexType>\n"
    )


def head(year: int) -> str:
    namespace = f"urn:lienthong:dvcqg:{year}"
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns="{namespace}"'
        f' targetNamespace="{namespace}" elementFormDefault="qualified">\n'
    )


def dossier_xsd(year: int) -> str:
    blank = (
        '  <xs:simpleType name="VanBan">\n'
        + documentation("Văn bản, không được trống", "Text that is not blank", indent="    ")
        + '    <xs:restriction base="xs:string">\n      <xs:minLength value="1"/>\n'
        + r'      <xs:pattern value="\s*\S[\s\S]*"/>'
        + "\n    </xs:restriction>\n  </xs:simpleType>\n"
    )
    return "".join(
        (
            head(year),
            documentation(VI, EN, indent="  "),
            group_type("HoSo", HOSO, year=year),
            group_type("TienDo", TIENDO, year=year),
            *(group_type(name, fields, year=year) for name, fields in GROUPS.items()),
            blank,
            *(pattern_type(name, *rest) for name, rest in PATTERNS.items()),
            *(
                code_type(name, vi, en, codes)
                for name, (since, vi, en, codes) in CODES.items()
                if since <= year
            ),
            "</xs:schema>\n",
        )
    )


MESSAGES = (Path(__file__).parent / "messages.xsd.in").read_text(encoding="utf-8")
WSDL = (Path(__file__).parent / "portal.wsdl.in").read_text(encoding="utf-8")


def write_manifests(root: Path) -> None:
    """Recompute every digest: files into manifests, manifests into the index."""
    index = []
    for year in YEARS:
        folder = root / f"dvcqg_{year}"
        manifest = {
            "name": f"dvcqg-{year}",
            "version": "1.0.0",
            "namespace": f"urn:lienthong:dvcqg:{year}",
            "files": {
                name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in FILES
            },
        }
        data = (json.dumps(manifest, indent=2) + "\n").encode()
        (folder / "manifest.json").write_bytes(data)
        digest = hashlib.sha256(data).hexdigest()
        index.append({"name": f"dvcqg-{year}", "folder": folder.name, "sha256": digest})
    (root / "index.json").write_bytes((json.dumps({"versions": index}, indent=2) + "\n").encode())


def write_schemas(root: Path) -> None:
    """Write the files of every version below `root`, then the manifests."""
    for year in YEARS:
        folder = root / f"dvcqg_{year}"
        folder.mkdir(exist_ok=True)
        texts = (
            dossier_xsd(year),
            MESSAGES.replace("@YEAR@", str(year)),
            WSDL.replace("@YEAR@", str(year)),
        )
        for name, text in zip(FILES, texts, strict=True):
            (folder / name).write_bytes(text.encode())
    write_manifests(root)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Write the schema files and their manifests.")
    parser.add_argument("--manifests", action="store_true", help="write the manifests only")
    write = write_manifests if parser.parse_args().manifests else write_schemas
    write(SCHEMAS)
