"""
Made-up files, the same for the same seed, with their errors.

Those of the six packaged agencies, and those of the profiles with their expected values.
"""

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
