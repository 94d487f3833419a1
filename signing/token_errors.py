"""What may be wrong with a key in a token, in words; the library's errors are translated here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pkcs11
from pkcs11 import exceptions

from signing.errors import KeyUnusable, Reason

if TYPE_CHECKING:
    from pathlib import Path

    from signing.pin_file import PinFile
    from signing.token_place import TokenPlace

PIN_REFUSED = (pkcs11.PinIncorrect, pkcs11.PinInvalid, pkcs11.PinLenRange)

LASTING = (
    *PIN_REFUSED,
    pkcs11.PinLocked,
    pkcs11.PinExpired,
    pkcs11.UserPinNotInitialized,
    pkcs11.MechanismInvalid,
    pkcs11.MechanismParamInvalid,
    pkcs11.NoSuchKey,
    pkcs11.MultipleObjectsReturned,
    pkcs11.MultipleTokensReturned,
    pkcs11.KeySizeRange,
    pkcs11.KeyTypeInconsistent,
)
"""Troubles that a fresh start of the module does not end."""

Error = exceptions.PKCS11Error


def translate(error: exceptions.PKCS11Error, *, place: TokenPlace) -> KeyUnusable:
    """Return what an operator is told of an error of the library."""
    token, key = place.token, place.key
    if isinstance(error, pkcs11.NoSuchToken):
        return _unusable(
            "key.token_absent",
            vi=f"Không thấy thiết bị giữ khóa «{token}» ({place.module}): cắm lại thiết bị hoặc "
            "khởi động lại máy chủ của nó; việc ký tự tiếp tục khi thiết bị có lại",
            en=f"Token '{token}' ({place.module}) is not there: plug it in again, or start its "
            "server; signing goes on by itself when it is back",
        )
    if isinstance(error, pkcs11.MultipleTokensReturned):
        return _unusable(
            "key.token_ambiguous",
            vi=f"Có nhiều thiết bị mang tên «{token}»: ghi thêm token_serial",
            en=f"Several tokens are called '{token}': give token_serial too",
        )
    if isinstance(error, pkcs11.NoSuchKey):
        return _unusable(
            "key.missing",
            vi=f"Thiết bị «{token}» không có khóa riêng «{key}»: kiểm tra key_label, key_id",
            en=f"Token '{token}' has no private key '{key}': check key_label and key_id",
        )
    if isinstance(error, pkcs11.MultipleObjectsReturned):
        return _unusable(
            "key.ambiguous",
            vi=f"Thiết bị «{token}» có nhiều khóa riêng «{key}»: ghi thêm key_id",
            en=f"Token '{token}' has several private keys '{key}': give key_id too",
        )
    if isinstance(error, pkcs11.PinLocked):
        return pin_locked(place)
    if isinstance(error, pkcs11.PinExpired | pkcs11.UserPinNotInitialized):
        return _unusable(
            "key.pin_expired",
            vi=f"Mã PIN của thiết bị «{token}» phải được đặt (lại): dùng phần mềm của thiết bị, rồi"
            " ghi mã mới vào tệp .pass",
            en=f"The PIN of token '{token}' must be set (anew): use the device's own program, then "
            "write the new one into the .pass file",
        )
    if isinstance(error, pkcs11.MechanismInvalid | pkcs11.MechanismParamInvalid):
        return _unusable(
            "key.mechanism",
            vi=f"Thiết bị «{token}» không ký được theo phương pháp này: đổi [signing] rsa_padding "
            "hoặc dùng thiết bị khác",
            en=f"Token '{token}' cannot sign with this method: change [signing] rsa_padding, or "
            "use another device",
        )
    kind = type(error).__name__
    # The library's classes say it with their name; what it has no class for, with its words.
    words = str(error) if type(error) is Error and str(error) else kind
    return _unusable(
        "key.token_trouble",
        vi=f"Thiết bị giữ khóa «{token}» ({place.module}) báo lỗi: {words}; việc ký tự tiếp tục "
        "khi thiết bị hoạt động lại",
        en=f"Token '{token}' ({place.module}) is in trouble: {words}; signing goes on by itself "
        "when it works again",
    )


def pin_locked(place: TokenPlace) -> KeyUnusable:
    """Return that the token takes no PIN any more."""
    return _unusable(
        "key.pin_locked",
        vi=f"Thiết bị «{place.token}» đã khóa mã PIN: mở khóa bằng mã SO (hoặc PUK) với phần mềm "
        "của thiết bị",
        en=f"Token '{place.token}' has locked its PIN: unlock it with the SO PIN (or PUK) and the "
        "device's own program",
    )


def pin_refused(place: TokenPlace, pin_file: PinFile) -> KeyUnusable:
    """Return that the PIN is wrong, and will not be tried again."""
    return _unusable(
        "key.pin_wrong",
        vi=f"Thiết bị «{place.token}» từ chối mã PIN trong {pin_file.file}; không thử lại để thiết "
        "bị không tự khóa: ghi mã PIN đúng vào tệp đó",
        en=f"Token '{place.token}' refused the PIN in {pin_file.file}; it is not tried again, so "
        "that the token does not lock itself: write the right PIN there",
    )


def pin_final_try(place: TokenPlace) -> KeyUnusable:
    """Return that one more wrong PIN would lock the token, so that we do not try."""
    return _unusable(
        "key.pin_final_try",
        vi=f"Thiết bị «{place.token}» chỉ còn một lần thử mã PIN, nên không thử: đăng nhập một lần "
        "bằng phần mềm của thiết bị để đặt lại số lần",
        en=f"Token '{place.token}' has one try left for its PIN, so it is not tried: log in once "
        "with the device's own program, which sets the count back",
    )


def no_certificate(place: TokenPlace) -> KeyUnusable:
    """Return that there is no certificate for the key."""
    return _unusable(
        "key.certificate_missing",
        vi=f"Thiết bị «{place.token}» không có chứng thư của khóa «{place.key}»: đặt chứng thư vào "
        "tệp .cert.pem cạnh tệp .pkcs11.toml",
        en=f"Token '{place.token}' has no certificate for key '{place.key}': put it into a "
        ".cert.pem file beside the .pkcs11.toml file",
    )


def no_fit(place: TokenPlace) -> KeyUnusable:
    """Return that the key signs, and none of the certificates is its own."""
    return _unusable(
        "key.mismatch",
        vi=f"Chứng thư không thuộc về khóa «{place.key}» trong thiết bị «{place.token}»: kiểm tra "
        "lại chứng thư và tên khóa",
        en=f"The certificate does not belong to key '{place.key}' in token '{place.token}': check "
        "the certificate and the name of the key",
    )


def not_for_signing(place: TokenPlace) -> KeyUnusable:
    """Return that the token lets the key do other things only."""
    return _unusable(
        "key.not_for_signing",
        vi=f"Khóa «{place.key}» trong thiết bị «{place.token}» không được phép ký (CKA_SIGN): chọn "
        "khóa khác hoặc tạo lại khóa",
        en=f"Key '{place.key}' in token '{place.token}' may not sign (CKA_SIGN): choose another "
        "key, or make it anew",
    )


def unloadable(module: Path, words: str) -> KeyUnusable:
    """Return that a file is no PKCS#11 module for this machine."""
    return _unusable(
        "key.module",
        vi=f"Không nạp được mô-đun PKCS#11 {module}: {words}; cài trình điều khiển của thiết bị, "
        "hoặc sửa module",
        en=f"The PKCS#11 module {module} cannot be loaded: {words}; install the driver of the "
        "device, or mend 'module'",
    )


def _unusable(code: str, *, vi: str, en: str) -> KeyUnusable:
    return KeyUnusable(Reason(code=code, vi=vi, en=en))
