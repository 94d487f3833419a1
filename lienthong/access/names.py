"""The names of those who act: one way to write each, so that no two persons share one."""

from __future__ import annotations

import re
import unicodedata

from schemas.errors import InputError
from schemas.problem import Problem, Text

_NAME = re.compile(r"[^\W_](?:[\w.@-]{0,62}[^\W_])?")
RESERVED = frozenset({"lienthong"})
"""What the program itself is called in the audit log."""


def normal_name(given: str) -> str:
    """Return a name as it is compared: NFC, lower case."""
    return unicodedata.normalize("NFC", given.strip().lower())


def account_name(given: str) -> str:
    """
    Return the name of an account as it is kept.

    Raises:
        InputError: it cannot be one.
    """
    name = normal_name(given)
    if _NAME.fullmatch(name) and name not in RESERVED:
        return name
    raise InputError(
        Problem(
            code="access.name",
            message=Text(
                vi="Tên tài khoản không dùng được", en="The name of the account cannot be used"
            ),
            suggestion=Text(
                vi="1-64 chữ, số, `.`, `_`, `@`, `-`; bắt đầu và kết thúc bằng chữ hoặc số; "
                "không phải `lienthong`",
                en="1 to 64 letters, digits, `.`, `_`, `@`, `-`, with a letter or digit at both "
                "ends; not `lienthong`",
            ),
        )
    )


def name_taken() -> InputError:
    """Return the error for a name that somebody has."""
    return InputError(
        Problem(
            code="access.name_taken",
            message=Text(
                vi="Tên này đã là của một tài khoản hoặc một mã truy cập",
                en="An account or a token has this name",
            ),
            suggestion=Text(
                vi="Chọn tên khác: mỗi người một tên trong nhật ký kiểm toán; mã truy cập dùng "
                "cho chính tài khoản đó: --for-account",
                en="Choose another: in the audit log each person has a name of their own; a token "
                "for that very account: --for-account",
            ),
        )
    )


def account_not_found() -> InputError:
    """Return the error for an account that does not exist."""
    return InputError(
        Problem(
            code="account.not_found",
            message=Text(vi="Không có tài khoản này", en="There is no such account"),
            suggestion=Text(
                vi="Xem danh sách: lienthong access account list",
                en="List them: lienthong access account list",
            ),
        )
    )
