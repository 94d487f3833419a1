"""
Mappings: an agency's YAML file turns its records into the portal's dossiers.

`load_mapping` finds every mistake of a file at once, `compile_mapping` makes it run,
`explain_mapping` makes it run and tell where each value comes from, and `load_agencies` knows which
agencies there are. The other way, `Converter.inbound` makes files in the agency's own format of the
portal's messages.
"""

from mappings.claims import find_claims
from mappings.converter import Conversion, Converter, Event, compile_mapping
from mappings.coverage import Cover, Coverage, Need, cover_fields
from mappings.editor_schema import editor_schema
from mappings.explaining import Explainer, explain_mapping
from mappings.inbound import Inbound, InboundConverter
from mappings.language import MappingFile
from mappings.loading import is_mapping_name, load_mapping, read_mapping
from mappings.registry import Agencies, load_agencies
from mappings.tables import check_installed
from mappings.trials import TestResult, run_tests

__all__ = [
    "Agencies",
    "Conversion",
    "Converter",
    "Cover",
    "Coverage",
    "Event",
    "Explainer",
    "Inbound",
    "InboundConverter",
    "MappingFile",
    "Need",
    "TestResult",
    "check_installed",
    "compile_mapping",
    "cover_fields",
    "editor_schema",
    "explain_mapping",
    "find_claims",
    "is_mapping_name",
    "load_agencies",
    "load_mapping",
    "read_mapping",
    "run_tests",
]
