"""
Phone numbers and e-mail addresses.

The portal takes any text here, and a dossier is not worth less because nobody can be called: all
findings are warnings, and what is not understood goes on as it came.
"""

from __future__ import annotations

import re

from mappings.kinds.rules import Reading, finding

# 0162-0169 → 032-039 and so on, 2018-09-15 to 2019-06-30 (secondary source).
_MOVED = {
    "0162": "032", "0163": "033", "0164": "034", "0165": "035", "0166": "036", "0167": "037",
    "0168": "038", "0169": "039", "0120": "070", "0121": "079", "0122": "077", "0126": "076",
    "0128": "078", "0123": "083", "0124": "084", "0125": "085", "0127": "081", "0129": "082",
    "0186": "056", "0188": "058", "0199": "059",
}  # fmt: skip
_BLANKS = re.compile(r"[\s.\-()]+")
_COUNTRY = re.compile(r"(?:\+|00)?84(?=[1-9])0?")
_MOBILE = re.compile(r"0[35789]\d{8}", re.ASCII)
_LANDLINE = re.compile(r"02\d{9}", re.ASCII)
_FOREIGN = re.compile(r"(?:\+|00)(?!84)[1-9]\d{6,13}", re.ASCII)
_LOCAL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}")
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")


def read_phone(text: str) -> Reading:
    """Read a number; ten digits from 0 for a mobile, eleven for a landline, + for abroad."""
    plain = _BLANKS.sub("", text)
    if _FOREIGN.fullmatch(plain):
        return Reading(re.sub(r"^00", "+", plain))
    national = _COUNTRY.sub("0", plain, count=1) if _COUNTRY.match(plain) else plain
    if _MOBILE.fullmatch(national) or _LANDLINE.fullmatch(national):
        return Reading(national)
    moved = _MOVED.get(national[:4]) if len(national) == 11 and national.isdigit() else None
    if moved is not None:
        return Reading(
            moved + national[4:],
            (
                finding(
                    "value.phone_old",
                    vi=f"số 11 chữ số có đầu {national[:4]} đã đổi thành {moved}",
                    en=f"a number of 11 digits with {national[:4]}, which became {moved}",
                    mend_vi="đã gửi theo đầu số mới; cập nhật tại nguồn",
                    mend_en="it was sent with the new prefix; bring the source up to date",
                ),
            ),
        )
    return Reading(
        text,
        (
            finding(
                "value.phone_form",
                vi="không phải một số điện thoại Việt Nam hay quốc tế đã biết dạng",
                en="not a Vietnamese or international phone number of a known form",
                mend_vi="ghi một số duy nhất, ví dụ 0901234567 hoặc 02838123456",
                mend_en="write one number, for example 0901234567 or 02838123456",
            ),
        ),
    )


def read_email(text: str) -> Reading:
    """Read an address; the domain in small letters."""
    local, at, domain = text.rpartition("@")
    labels = domain.split(".")
    is_right = (
        at
        and len(text) <= 254
        and _LOCAL.fullmatch(local)
        and ".." not in local
        and not local.startswith(".")
        and not local.endswith(".")
        and len(labels) > 1
        and all(_LABEL.fullmatch(label) for label in labels)
        and not labels[-1].isdigit()
    )
    if is_right:
        return Reading(f"{local}@{domain.lower()}")
    return Reading(
        text,
        (
            finding(
                "value.email_form",
                vi="không phải một địa chỉ thư điện tử",
                en="not an e-mail address",
                mend_vi="ghi một địa chỉ duy nhất, ví dụ ten@example.vn",
                mend_en="write one address, for example name@example.vn",
            ),
        ),
    )
