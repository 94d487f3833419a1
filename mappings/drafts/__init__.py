"""Drafting a mapping from a sample: what is seen becomes rules, what is doubtful is said."""

from mappings.drafts.naming import is_known
from mappings.drafts.profiles import ColumnProfile, SampleProfile, profile_records
from mappings.drafts.proposals import Draft, SheetSample
from mappings.drafts.proposing import propose
from mappings.drafts.writing import count_doubts, write_draft

__all__ = [
    "ColumnProfile",
    "Draft",
    "SampleProfile",
    "SheetSample",
    "count_doubts",
    "is_known",
    "profile_records",
    "propose",
    "write_draft",
]
