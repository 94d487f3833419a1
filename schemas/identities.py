"""
The fields that hold an identity number of a person or an organisation, and how two are compared.

Names are as published for the portal's packets and for what it sends to provinces. Telephone
numbers, accounts and codes of dossiers are none; numbers inside files in base64 are not looked for.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from lxml import etree

if TYPE_CHECKING:
    from lxml.etree import _Element

IDENTITY_FIELDS: Final = frozenset(
    {
        # DongBoHoSoMC since 2022; its schema of 2020 has none.
        "SoGiayToChuHoSo",
        "SoDinhDanh",
        # Sales promotion notices, notices and vouchers of land tax.
        "MaSoThue",
        "MA_SO_THUE",
        "SoCMTNguoiNopTien",
        # Payments.
        "SoCMNDNguoiNop",
        # The store of digitised results.
        "SoDinhDanhChuSoHuu",
        "SoDinhDanhNguoiYeuCau",
    }
)
"""Citizen's or other papers, tax codes; by the local name of the field, at any depth."""
LONGEST_NUMBER: Final = 100
"""Characters, as the portal's own field has them."""
_BETWEEN: Final = re.compile(r"[\s.\-\u2010-\u2015\u2212]+")
_TEXT: Final = "#text"
"""Of an element that has attributes, as the XML adapter gives it."""


def normalise_identity(text: str) -> str:
    """
    Return a number as it is compared: without blanks, dots and dashes, in upper case.

    Returns:
        An empty text for what is no number: blank, masked, with other signs in it, or too long.
    """
    plain = _BETWEEN.sub("", unicodedata.normalize("NFKC", text)).upper()
    is_one = plain.isascii() and plain.isalnum() and len(plain) <= LONGEST_NUMBER
    return plain if is_one else ""


def identity_numbers(values: Mapping[str, object]) -> tuple[str, ...]:
    """Return the identity numbers in the values of a packet, as they are compared, each once."""
    found: dict[str, None] = {}
    _look_into(values, found)
    return tuple(found)


def identity_numbers_of(document: _Element) -> tuple[str, ...]:
    """Return the same of a document that is built."""
    found: dict[str, None] = {}
    for element in document.iter(etree.Element):
        if element.text and etree.QName(element).localname in IDENTITY_FIELDS:
            _keep(element.text, found)
    return tuple(found)


def _look_into(values: Mapping[str, object], found: dict[str, None]) -> None:
    for name, value in values.items():
        is_one = name in IDENTITY_FIELDS
        if isinstance(value, str):
            if is_one:
                _keep(value, found)
            continue
        for each in value if isinstance(value, Sequence) else (value,):
            if isinstance(each, Mapping):
                _look_into(each, found)
                each = each.get(_TEXT)  # noqa: PLW2901 - what such an element says itself
            if is_one and each is not None and not isinstance(each, bool):
                _keep(str(each), found)


def _keep(text: str, found: dict[str, None]) -> None:
    if number := normalise_identity(text):
        found[number] = None
