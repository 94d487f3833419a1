from __future__ import annotations

import io

import pytest

from adapters import UnreadableRecord, make_options, read_records
from schemas.errors import InputError


class Found:
    """What came out of one input: the records in order, and the refusal if there was one."""

    def __init__(self, records, refusal):
        self.records = records
        self.refusal = refusal

    @property
    def values(self):
        return [r.values for r in self.records if not isinstance(r, UnreadableRecord)]

    @property
    def problems(self):
        bad = [r for r in self.records if isinstance(r, UnreadableRecord)]
        return [(p.code, str(p.place)) for record in bad for p in record.problems]

    @property
    def code(self):
        return self.refusal and self.refusal.code


@pytest.fixture
def read():
    """Read bytes with the options of a mapping and return everything that came of it."""

    def run(data, **settings):
        records = []
        options = make_options(settings)
        try:
            records.extend(read_records(io.BytesIO(data), file_name="f", options=options))
        except InputError as error:
            return Found(records, error.problem)
        found = Found(records, None)
        for record in records:
            for problem in getattr(record, "problems", ()):
                assert problem.suggestion is not None, problem.code
                assert problem.message.vi != problem.message.en, problem.code
        return found

    return run
