"""
The fields of the LGSP document schema, and which field of ours each comes from by default.

Names and order are as published (`lgsp_schema.xsd`, OpenCPS at 54ae7ccd8), and so are the
placeholders. A default source stands only where the two lists say the same; all else is for the
settings to name.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

AGENCY: Final = "@MaDonVi"
MESSAGE: Final = "@MaBanTin"
OTHERS: Final = "*"
"""In a code list: every value that is not named."""
NEVER: Final = "0000-00-00T00:00:00.000+0700"
"""What implementers write for a date that is not there yet; no valid date."""


class LgspKind(Enum):
    """How a value is written; the values are those of the settings."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    TIME = "time"


@dataclass(frozen=True, slots=True)
class LgspField:
    """One field of the schema."""

    name: str
    kind: LgspKind = LgspKind.TEXT
    required: bool = False
    sources: tuple[str, ...] = ()
    """Fields of ours, the first that is there; of a group, the group."""
    codes: Mapping[str, str] | None = None
    fields: tuple[LgspField, ...] = ()
    """Of an array."""


_INTEGER, _BOOLEAN, _TIME = LgspKind.INTEGER, LgspKind.BOOLEAN, LgspKind.TIME
_FEE: Final = (
    LgspField("FeeName", required=True, sources=("TenPhiLePhi",)),
    LgspField("FeeType", _INTEGER, required=True),
    LgspField("Price", LgspKind.NUMBER, required=True, sources=("Gia",)),
)
_DOSSIER: Final = (
    LgspField("DocTypeCode", required=True, sources=("MaTTHC",)),
    LgspField("DocTypeName", required=True, sources=("TenTTHC",)),
    LgspField("DocCode", required=True, sources=("MaHoSo",)),
    LgspField("CitizenName", required=True, sources=("ChuHoSo",)),
    LgspField("CitizenInfo"),
    LgspField("ApplicantsId", required=True, sources=("SoGiayToChuHoSo", "DinhDanhCHS.SoDinhDanh")),
    # The portal's 3 (state agency) and 4 (other) are not the LGSP's 3 (organisation) and 4.
    LgspField(
        "ApplicantsType",
        _INTEGER,
        required=True,
        sources=("LoaiDoiTuong",),
        codes={"1": "1", "2": "2"},
    ),
    LgspField("Address"),
    LgspField("Email", sources=("Email",)),
    LgspField("Phone", required=True, sources=("SoDienThoai",)),
    LgspField("Compendium", sources=("TrichYeuHoSo",)),
    LgspField("DateReceived", _TIME, required=True, sources=("NgayTiepNhan",)),
    LgspField("DateAppointed", _TIME, required=True, sources=("NgayHenTra",)),
    LgspField(
        "IsSuccess",
        _BOOLEAN,
        required=True,
        sources=("TrangThaiHoSo",),
        codes={"9": "true", "10": "true", OTHERS: "false"},
    ),
    LgspField("SuccessDate", _TIME, required=True, sources=("NgayKetThucXuLy",)),
    LgspField("ApproverName"),
    LgspField("ApproverPosition"),
    LgspField("SuccessNote"),
    LgspField(
        "IsReturned",
        _BOOLEAN,
        required=True,
        sources=("TrangThaiHoSo",),
        codes={"10": "true", OTHERS: "false"},
    ),
    LgspField("ReturnedDate", _TIME, required=True, sources=("NgayTra", "NgayHenTra")),
    LgspField("ReturnNote", sources=("ThongTinTra",)),
    LgspField(
        "ReturnedType", _INTEGER, required=True, sources=("HinhThuc",), codes={"0": "0", "1": "1"}
    ),
    LgspField("FinishedDate", _TIME, sources=("NgayKetThucXuLy",)),
    LgspField(
        "Status",
        _INTEGER,
        required=True,
        sources=("TrangThaiHoSo",),
        codes={"9": "2", OTHERS: "1"},
    ),
    LgspField("ProcessingOrganName", required=True, sources=("DonViXuLy",)),
    # A string in the schema: "true" where there is any.
    LgspField("HasSupplementary", sources=("DanhSachHoSoBoSung",)),
    LgspField("RequireSupplementaryDate", _TIME),
    LgspField("Note", sources=("GhiChu",)),
    LgspField(
        "Attachments",
        sources=("TaiLieuNop",),
        fields=(
            LgspField("AttachmentId", _INTEGER, required=True, sources=("TepDinhKemId",)),
            LgspField("AttachmentName", required=True, sources=("TenTepDinhKem",)),
            LgspField("IsDeleted", _BOOLEAN, sources=("IsDeleted",)),
            # Between the two the schema has Base64; the portal's dossiers name files by address.
            LgspField("IsVerified", _BOOLEAN, required=True),
        ),
    ),
    LgspField("DocFees", sources=("DanhSachLePhi",), fields=_FEE),
    LgspField(
        "DocPapers",
        sources=("DanhSachTepDinhKemKhac",),
        fields=(
            LgspField("PaperName", required=True, sources=("TenGiayTo",)),
            LgspField("Amount", _INTEGER, required=True, sources=("SoLuong",)),
            LgspField("PaperType", _INTEGER, required=True, sources=("LoaiGiayTo",)),
        ),
    ),
    LgspField(
        "Supplementaries",
        sources=("DanhSachHoSoBoSung",),
        fields=(
            LgspField("SupplementaryId", _INTEGER, required=True, sources=("HoSoBoSungId",)),
            LgspField("SendUser", required=True, sources=("NguoiYeuCauBoSung",)),
            LgspField("SendComment", required=True, sources=("NoiDungBoSung",)),
            LgspField("SendDate", _TIME, required=True, sources=("NgayBoSung",)),
            LgspField("ReceivedUser", sources=("NguoiTiepNhanBoSung",)),
            LgspField("ReceivedComment", sources=("ThongTinTiepNhan",)),
            LgspField("ReceivedDate", _TIME, required=True, sources=("NgayTiepNhanBoSung",)),
            LgspField("IsReceived", _BOOLEAN, required=True, sources=("TrangThaiBoSung",)),
            LgspField(
                "Papers",
                sources=("DanhSachGiayToBoSung",),
                fields=(
                    LgspField("PaperName", required=True, sources=("TenTepDinhKem",)),
                    LgspField("Amount", _INTEGER, required=True),
                    LgspField("PaperType", _INTEGER, required=True),
                ),
            ),
            LgspField("Fees", sources=("DanhSachLePhiBoSung",), fields=_FEE),
            LgspField("OldDateAppointed", _TIME, required=True, sources=("NgayHenTraTruoc",)),
            LgspField("NewDateAppointed", _TIME, sources=("NgayHenTraMoi",)),
        ),
    ),
    LgspField("OrganInchargeIdLevel1", required=True, sources=(AGENCY,)),
    LgspField("OrganInchargeName", required=True, sources=("DonViXuLy",)),
)
_PROGRESS: Final = (
    # The LGSP's own number of the dossier, which no public source gives back to a sender.
    LgspField("DocumentId", required=True),
    LgspField("DocCode", required=True, sources=("MaHoSo",)),
    LgspField("UserName", required=True, sources=("NguoiXuLy",)),
    LgspField("UserPosition", required=True, sources=("ChucDanh",)),
    LgspField("DateCreated", _TIME, required=True, sources=("ThoiDiemXuLy",)),
    LgspField("Comment", sources=("NoiDungXuLy",)),
    LgspField("Status", _INTEGER, sources=("TrangThai",)),
    LgspField("OrganizationInchargeIdLevel1", required=True, sources=(AGENCY,)),
    LgspField("OrganizationInchargeName", required=True),
)
FIELDS: Final[Mapping[str, tuple[LgspField, ...]]] = {
    "DongBoHoSoMC": _DOSSIER,
    "CapNhatTienDoHoSoMC": _PROGRESS,
}
"""MSyncDocument and MDocumentTraces, by the packet they are made of."""
CONSTANTS: Final[Mapping[str, str]] = {
    "SuccessDate": NEVER,
    "DocFees.FeeType": "4",
    "Supplementaries.Fees.FeeType": "4",
}
"""What implementers write where a dossier has nothing; the caller's constants go before."""
