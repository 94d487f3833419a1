"""
Passwords of people: which are good enough, and how they are kept (Argon2id).

The parameters are above what OWASP's Password Storage Cheat Sheet asks for at least (19 MiB, two
rounds, one lane). A few are computed at once and no more, so that a flood of logins cannot take
the memory of the machine.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from lienthong.access.common_passwords import is_common
from schemas.errors import InputError
from schemas.problem import Problem, Text

SHORTEST = 12
"""Characters."""
LONGEST = 256
"""Bytes, in UTF-8."""
AT_ONCE = 4
_SHORT_NAME = 3
_slots = BoundedSemaphore(AT_ONCE)
_hasher = PasswordHasher(memory_cost=32 * 1024, time_cost=3, parallelism=1)


def check_password(password: str, *, name: str) -> None:
    """
    Return where a password is good enough for the account of a name.

    Raises:
        InputError: it is not.
    """
    text = _normal(password)
    finding = None
    if len(text) < SHORTEST:
        finding = Text(
            vi=f"Mật khẩu ngắn hơn {SHORTEST} ký tự",
            en=f"The password is shorter than {SHORTEST} characters",
        )
    elif len(text.encode()) > LONGEST:
        finding = Text(
            vi=f"Mật khẩu dài hơn {LONGEST} byte", en=f"The password is longer than {LONGEST} bytes"
        )
    elif _has_name(text.lower(), name):
        finding = Text(
            vi="Mật khẩu chứa tên tài khoản", en="The password contains the name of the account"
        )
    elif is_common(text):
        finding = Text(
            vi="Mật khẩu quá phổ biến, dễ đoán", en="The password is one that everybody tries first"
        )
    if finding is not None:
        raise InputError(
            Problem(
                code="access.password",
                message=finding,
                suggestion=Text(
                    vi=f"Chọn cụm từ dài, dễ nhớ: ít nhất {SHORTEST} ký tự, không cần ký tự lạ",
                    en=f"Choose some words that you remember: at least {SHORTEST} characters, no "
                    "special signs needed",
                ),
            )
        )


def hash_password(password: str) -> str:
    """Return what is kept of a password."""
    with _slots:
        return _hasher.hash(_normal(password).encode())


def is_password(presented: str, kept: str | None) -> bool:
    """Tell whether a password is that of what is kept; None is nobody's, and costs the same."""
    text = _normal(presented).encode()
    nobodys = _nobodys()
    with _slots:
        try:
            _hasher.verify(nobodys if kept is None else kept, text[:LONGEST])
        except VerifyMismatchError:
            return False
    return kept is not None and len(text) <= LONGEST


def is_outdated(kept: str) -> bool:
    """Tell whether what is kept was made with other parameters than those of today."""
    return _hasher.check_needs_rehash(kept)


def _has_name(text: str, name: str) -> bool:
    # A short name is part of many words.
    return name in (text if len(name) > _SHORT_NAME else re.split(r"[\W\d_]+", text))


@cache
def _nobodys() -> str:
    return hash_password("of nobody, and never right")


def _normal(password: str) -> str:
    return unicodedata.normalize("NFC", password)
