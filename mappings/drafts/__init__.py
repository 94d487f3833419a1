"""Drafting a mapping from a sample: what is seen becomes rules, what is doubtful is said."""

from mappings.drafts.profiles import ColumnProfile, SampleProfile, profile_records
from mappings.drafts.proposing import Draft, is_known, propose
from mappings.drafts.writing import write_draft

__all__ = [
    "ColumnProfile",
    "Draft",
    "SampleProfile",
    "is_known",
    "profile_records",
    "propose",
    "write_draft",
]
