"""Why an arrival ended as it did, where nothing in it was found wrong: by its outcome alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lienthong.sandbox.judging import finding
from lienthong.sandbox.portal import TEXTS, Code
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from schemas.problem import Problem
    from signing.errors import Reason

_REMEDIES: Final = {
    Code.INVALID: Text(
        vi="So bản tin với lược đồ (?wsdl), sửa rồi gửi lại",
        en="compare the message with the schema (?wsdl), mend it and send it again",
    ),
    Code.EXISTS: Text(
        vi='Hồ sơ đã có ở đây: gửi lại với isUpdating "True"',
        en='the dossier is here already: send it with isUpdating "True"',
    ),
    Code.MISSING: Text(
        vi='Gửi hồ sơ trước (isUpdating "False"), rồi mới gửi cập nhật và tiến độ',
        en='send the dossier first (isUpdating "False"), then updates and progress rows',
    ),
    Code.CONFLICT: Text(
        vi="Nội dung khác thì phải có mã bản tin mới; gửi lại thì phải y hệt từng byte",
        en="other content needs a new message id; a repeat must be the very same bytes",
    ),
    Code.SIGNATURE: Text(
        vi="Ký bằng khóa mà chứng thư dẫn tới gốc của Cổng này, và không sửa bản tin sau khi ký",
        en="sign with a key whose certificate leads to this portal's root, and change nothing "
        "after signing",
    ),
    Code.AGENCY: Text(
        vi="MaDonVi phải là mã trong chứng thư số đã ký",
        en="MaDonVi must be the code in the certificate that signed",
    ),
    Code.SESSION: Text(
        vi="Đăng nhập lại lấy phiên mới, rồi gửi lại y hệt",
        en="log in for a new session, then send the very same again",
    ),
    Code.LOGIN: Text(
        vi="Xem tên và mật khẩu mà Cổng thử nghiệm in ra khi khởi động",
        en="look at the name and password that the sandbox printed when it started",
    ),
}
_ORDERED: Final = Text(
    vi="Cổng thử nghiệm làm vậy vì được lệnh; xóa lệnh ở trang này hoặc POST /clear",
    en="the sandbox was told to do so; clear the order on this page or by POST /clear",
)
_FINE: Final = frozenset({Code.OK.value, "looked_up", "pending"})


def explain(outcome: str, *, mode: str | None) -> tuple[Problem, ...]:
    """Return the finding of an outcome that comes without one; nothing for what went well."""
    if mode is not None:
        text = Text(vi=f"bị xử sự theo lệnh: {mode}", en=f"treated as ordered: {mode}")
        return (finding(f"mode_{mode}", text, path="", suggestion=_ORDERED),)
    if outcome in _FINE:
        return ()
    code = next((one for one in Code if one.value == outcome), None)
    if code is None:
        text = Text(vi=f"bị từ chối: {outcome}", en=f"refused: {outcome}")
        return (finding("refused", text, path="", suggestion=_REMEDIES[Code.INVALID]),)
    text = Text(vi=TEXTS[code], en=f"{code.name.lower()} (error_code {code.value})")
    remedy = _REMEDIES.get(code, _ORDERED)
    return (finding(f"code_{code.name.lower()}", text, path="", suggestion=remedy),)


def of_reasons(reasons: Iterable[Reason], *, place: str) -> tuple[Problem, ...]:
    """Return the findings of a signature or a security header."""
    return tuple(
        finding(
            f"signature_{one.code}",
            Text(vi=one.vi, en=one.en),
            path=place,
            suggestion=_REMEDIES[Code.SIGNATURE],
        )
        for one in reasons
    )


def of_headers(reason: str) -> tuple[Problem, ...]:
    """Return the finding of SOAP headers that are not as demanded."""
    suggestion = Text(
        vi="Xem phần đầu SOAP: mỗi mục cần có đúng một lần và đúng giá trị",
        en="look at the SOAP headers: each that is demanded once, and right",
    )
    text = Text(vi=f"phần đầu không đúng: {reason}", en=f"the headers are not right: {reason}")
    return (finding("headers", text, path="soap:Header", suggestion=suggestion),)


def of_unreadable(reason: str) -> tuple[Problem, ...]:
    """Return the finding of what is no request of the portal's."""
    suggestion = Text(
        vi="Gửi một phong bì SOAP 1.1 hoặc 1.2 với một thao tác trong WSDL (?wsdl), bằng UTF-8",
        en="send a SOAP 1.1 or 1.2 envelope with one operation of the WSDL (?wsdl), in UTF-8",
    )
    text = Text(vi=f"không đọc được: {reason}", en=f"not readable: {reason}")
    return (finding("unreadable", text, path="", suggestion=suggestion),)
