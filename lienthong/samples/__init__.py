"""Made-up files of the six packaged agencies, the same for the same seed, with their errors."""

from lienthong.samples.expectations import SampleFile, SampleSet, SeededError
from lienthong.samples.land import generate_large_csv
from lienthong.samples.single import SingleRecord, single_records
from lienthong.samples.writing import write_samples

__all__ = [
    "SampleFile",
    "SampleSet",
    "SeededError",
    "SingleRecord",
    "generate_large_csv",
    "single_records",
    "write_samples",
]
