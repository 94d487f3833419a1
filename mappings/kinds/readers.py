"""Choosing the reader of a kind by its name, with the options that a mapping gives it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from mappings.kinds.codes import (
    WRITINGS,
    read_agency_code,
    read_dossier_code,
    read_field_code,
    read_procedure_code,
)
from mappings.kinds.contacts import read_email, read_phone
from mappings.kinds.fees import read_fee
from mappings.kinds.names import read_name
from mappings.kinds.persons import read_personal_id
from mappings.kinds.taxes import read_tax_code

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date

    from mappings.kinds.rules import Reading

    FindDay: TypeAlias = Callable[[], date | None]
    KindReader: TypeAlias = Callable[[str, FindDay, Mapping[str, str]], Reading]

KINDS = (
    "name",
    "personal_id",
    "tax_code",
    "phone",
    "email",
    "fee",
    "agency_code",
    "procedure_code",
    "field_code",
    "dossier_code",
)
OPTIONS: dict[str, tuple[str, ...]] = {
    "personal_id": ("born", "sex", "male", "female"),
    "agency_code": ("writing",),
}
"""What a mapping may say besides the kind and its severity."""
_PLAIN = {
    "name": read_name,
    "phone": read_phone,
    "email": read_email,
    "fee": read_fee,
    "procedure_code": read_procedure_code,
    "field_code": read_field_code,
    "dossier_code": read_dossier_code,
}


def make_kind_reader(kind: str, *, writing: str = WRITINGS[0]) -> KindReader:
    """
    Return the function of one of `KINDS`.

    It takes the text, a function to the dossier's day (asked only where a rule needs it), and what
    the record says of the person: `born` and `sex`, empty where it does not.
    """
    if kind == "personal_id":

        def read_person(text: str, day: FindDay, about: Mapping[str, str]) -> Reading:
            return read_personal_id(
                text, day=day(), born=about.get("born", ""), sex=about.get("sex", "")
            )

        return read_person
    if kind == "tax_code":

        def read_tax(text: str, day: FindDay, _about: Mapping[str, str]) -> Reading:
            return read_tax_code(text, day=day())

        return read_tax
    read = partial(read_agency_code, writing=writing) if kind == "agency_code" else _PLAIN[kind]

    def read_plain(text: str, _day: FindDay, _about: Mapping[str, str]) -> Reading:
        return read(text)

    return read_plain
