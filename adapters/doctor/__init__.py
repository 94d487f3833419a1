"""
The Vietnamese data doctor: text that was typed, stored or read wrong, found and repaired.

See docs/text-doctor.md. `diagnose` looks at one value, a `ColumnVote` at all values of a column,
`judge_encoding` at the bytes of a file, `examined` at records on their way to a mapping.
"""

from __future__ import annotations

from adapters.doctor.column import ColumnVote, Judgement
from adapters.doctor.diagnosis import Diagnosis, Verdict, diagnose
from adapters.doctor.encoding import EncodingGuess, judge_encoding
from adapters.doctor.misreading import Misreading
from adapters.doctor.records import examined
from adapters.doctor.repair import REPAIRED, Repair

__all__ = [
    "REPAIRED",
    "ColumnVote",
    "Diagnosis",
    "EncodingGuess",
    "Judgement",
    "Misreading",
    "Repair",
    "Verdict",
    "diagnose",
    "examined",
    "judge_encoding",
]
