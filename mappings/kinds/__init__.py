"""
Kinds of values that have rules of their own: numbers of persons, taxes, phones, codes.

A kind reads a value as the agency wrote it and gives it back in its standard writing, with what is
wrong or odd about it. It judges form and arithmetic; that a number exists nobody here can say.
"""

from mappings.kinds.readers import KINDS, OPTIONS, make_kind_reader
from mappings.kinds.rules import RULES, Finding, Reading, ValueRule, codes_of

__all__ = [
    "KINDS",
    "OPTIONS",
    "RULES",
    "Finding",
    "Reading",
    "ValueRule",
    "codes_of",
    "make_kind_reader",
]
