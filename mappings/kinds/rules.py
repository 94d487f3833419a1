"""
The rules that values of a kind are held to: how grave each is, and where it comes from.

An error stops the record. Where the source is only an observation, or where real values break the
rule for good reasons, it is a warning: the value goes on and the agency is told.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from schemas.problem import Severity, Text


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueRule:
    """One rule; the code is that of the problem which says it is broken."""

    severity: Severity
    source: Text
    """The law, or the observation that it rests on."""


class Finding(NamedTuple):
    """One rule that a value breaks."""

    code: str
    text: Text
    suggestion: Text
    """What the agency can do about it."""
    for_integrator: Text | None = None
    """What whoever writes the mapping can."""


class Reading(NamedTuple):
    """What a kind makes of a value."""

    text: str
    """In the standard writing; as it came where that is not known."""
    findings: tuple[Finding, ...] = ()


_PERSONAL = Text(
    vi="Nghị định 137/2015/NĐ-CP điều 13; Thông tư 07/2016/TT-BCA điều 7",
    en="Decree 137/2015/NĐ-CP art. 13; Circular 07/2016/TT-BCA art. 7",
)
_TAX = Text(vi="Thông tư 105/2020/TT-BTC điều 5", en="Circular 105/2020/TT-BTC art. 5")
_TAX_2025 = Text(vi="Thông tư 86/2024/TT-BTC", en="Circular 86/2024/TT-BTC")
_NUMBERING = Text(
    vi="quy hoạch kho số viễn thông và đợt đổi mã mạng 2018-2019 (nguồn thứ cấp)",
    en="the telephone numbering plan and the change of prefixes in 2018-2019 (secondary source)",
)
_AGENCIES = Text(
    vi="QCVN 102:2016/BTTTT; Quyết định 20/2020/QĐ-TTg",
    en="QCVN 102:2016/BTTTT; Decision 20/2020/QĐ-TTg",
)
_DOSSIERS = Text(
    vi="Thông tư 01/2018/TT-VPCP điều 19, và các dạng mã đã gặp",
    en="Circular 01/2018/TT-VPCP art. 19, and the forms that were seen",
)
_PROCEDURES = Text(
    vi="mã trong cơ sở dữ liệu quốc gia về TTHC (dạng đã gặp); bảng procedures là bản sao không đủ",
    en="codes of the national database of procedures as seen; the table procedures is not complete",
)
_OWN = Text(
    vi="quy tắc của sản phẩm này, không phải văn bản pháp luật",
    en="a rule of this product's own, not of any law",
)
_SEEN = Text(vi="thực tế đã gặp", en="observed")

RULES: dict[str, ValueRule] = {
    "value.personal_id_form": ValueRule(severity=Severity.ERROR, source=_PERSONAL),
    "value.personal_id_province": ValueRule(severity=Severity.WARNING, source=_PERSONAL),
    "value.personal_id_birth": ValueRule(severity=Severity.WARNING, source=_PERSONAL),
    "value.personal_id_sex": ValueRule(severity=Severity.WARNING, source=_PERSONAL),
    "value.personal_id_retired": ValueRule(
        severity=Severity.WARNING,
        source=Text(
            vi="Luật Căn cước 26/2023/QH15: CMND 9 số hết giá trị từ 01/01/2025",
            en="Law on Identification 26/2023/QH15: 9-digit cards ended with 2024",
        ),
    ),
    "value.tax_code_form": ValueRule(severity=Severity.ERROR, source=_TAX),
    "value.tax_code_check_digit": ValueRule(severity=Severity.ERROR, source=_TAX),
    "value.tax_code_early": ValueRule(severity=Severity.WARNING, source=_TAX_2025),
    "value.phone_form": ValueRule(severity=Severity.WARNING, source=_NUMBERING),
    "value.phone_old": ValueRule(severity=Severity.WARNING, source=_NUMBERING),
    "value.name_lost_letters": ValueRule(severity=Severity.ERROR, source=_OWN),
    "value.name_no_letters": ValueRule(severity=Severity.WARNING, source=_OWN),
    "value.name_digits": ValueRule(severity=Severity.WARNING, source=_OWN),
    "value.email_form": ValueRule(
        severity=Severity.WARNING, source=Text(vi="RFC 5322, RFC 6531", en="RFC 5322, RFC 6531")
    ),
    "value.fee_form": ValueRule(
        severity=Severity.ERROR,
        source=Text(
            vi="số tiền nguyên, đơn vị đồng (Gia là số trong các hệ thống đã gặp)",
            en="a whole amount of đồng (Gia is a number in the systems that were seen)",
        ),
    ),
    "value.fee_size": ValueRule(
        severity=Severity.ERROR,
        source=Text(
            vi="quy tắc riêng của Liên thông: không lệ phí nào đã gặp gần tới 15 chữ số",
            en="a rule of Lienthong's own: no fee that was seen comes near 15 digits",
        ),
    ),
    "value.agency_code_form": ValueRule(severity=Severity.ERROR, source=_AGENCIES),
    "value.agency_code_writing": ValueRule(severity=Severity.ERROR, source=_AGENCIES),
    "value.procedure_code_form": ValueRule(severity=Severity.ERROR, source=_PROCEDURES),
    "value.procedure_code_unknown": ValueRule(severity=Severity.WARNING, source=_PROCEDURES),
    "value.field_code_form": ValueRule(severity=Severity.ERROR, source=_AGENCIES),
    "value.dossier_code_form": ValueRule(severity=Severity.ERROR, source=_DOSSIERS),
    "value.dossier_code_date": ValueRule(severity=Severity.WARNING, source=_SEEN),
}
"""By the code of the problem."""


def codes_of(kind: str) -> tuple[str, ...]:
    """Return the codes of the rules that values of a kind are held to."""
    return tuple(code for code in RULES if code.startswith(f"value.{kind}_"))


def finding(
    code: str,
    *,
    vi: str,
    en: str,
    mend_vi: str,
    mend_en: str,
    for_integrator: Text | None = None,
) -> Finding:
    """Return what is wrong and what to do about it."""
    assert code in RULES
    return Finding(code, Text(vi=vi, en=en), Text(vi=mend_vi, en=mend_en), for_integrator)
