"""
Made-up files, the same for the same seed, with their errors and their expected values.

Those of the six agencies that came first, and those of the eight profiles after them.
"""

from lienthong.samples.comparing import Comparison
from lienthong.samples.expectations import (
    Attachment,
    ExpectedDossier,
    SampleFile,
    SampleSet,
    SeededError,
)
from lienthong.samples.land import generate_large_csv
from lienthong.samples.single import SingleRecord, single_records
from lienthong.samples.writing import write_profiles, write_samples

__all__ = [
    "Attachment",
    "Comparison",
    "ExpectedDossier",
    "SampleFile",
    "SampleSet",
    "SeededError",
    "SingleRecord",
    "generate_large_csv",
    "single_records",
    "write_profiles",
    "write_samples",
]
