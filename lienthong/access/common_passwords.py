"""
Passwords that everybody tries first, without what is put around them.

A password is compared without the digits and signs at its ends, in lower case and without accents,
so that `Matkhau@2026!` is found as `matkhau`. Repeated, they are no better.
"""

from __future__ import annotations

import re
import unicodedata

_WORDS = """
abc abcabc abcd abcde abcdef abcdefg abcdefgh access account admin administrator alexander anhyeuem
asdf asdfgh asdfghjkl asdfghjklqwertyuiop baseball batman basketball canbo charlie changeme
changemenow chaomung computer congchuc connect correcthorsebatterystaple default dragon emyeuanh
football freedom gmail google guest hanoi hello helloworld hochiminh hunter iloveyou iloveyousomuch
internet khongco khongnho lienthong lienthongcong letmein letmeinplease login manager master matkhau
matkhaumoi michael minhanh minhyeuem monkey motcua mypassword ngaymai nguyen nguyenvana
nothing operator oracle pass passphrase password passwordpassword passw passwd princess private
p@ssw0rd p@ssword passw0rd qazwsx qazwsxedc qazwsxedcrfv qwer qwert qwerty qwertyui qwertyuiop
qwertyuiopasdf qwertyuiopasdfghjkl root saigon saigonhochiminh secret server service shadow
sunshine superman superuser support system taikhoan temp temporary test tester testing thanhpho
thanhphohochiminh tphcm trustno trustnoone user username vietnam vietnamvodich viettel vnpt welcome
welcomeback whatever xinchao xincho yeuem zxcv zxcvbn zxcvbnm zxcvbnmasdfghjkl
"""
_COMMON = frozenset(_WORDS.split())
_AROUND = re.compile(r"^[\W\d_]+|[\W\d_]+$")
_ROWS = ("01234567890123456789", "abcdefghijklmnopqrstuvwxyz", "qwertyuiopasdfghjklzxcvbnm")
"""What fingers run along."""
_RUN = 6
_SHORT = 4


def is_common(password: str) -> bool:
    """Tell whether a password is one of those, whatever is put around it."""
    text = _bare(password)
    core = _AROUND.sub("", text)
    # Digits and signs alone are good only where they follow no pattern.
    said = [text, core] if core else [text]
    return any(_says_little(each) for each in said)


def _bare(password: str) -> str:
    apart = unicodedata.normalize("NFD", password.lower().replace("đ", "d"))
    return "".join(sign for sign in apart if not unicodedata.combining(sign) and sign != " ")


def _says_little(text: str) -> bool:
    once = _without_repeats(text)
    is_run = len(text) >= _RUN and any(text in row or text in row[::-1] for row in _ROWS)
    return once in _COMMON or is_run or (once != text and len(once) <= _SHORT)


def _without_repeats(text: str) -> str:
    """Return what a text is made of when it says the same several times, else the text."""
    found = re.fullmatch(r"(.+?)\1+", text, re.DOTALL)
    return found[1] if found else text
