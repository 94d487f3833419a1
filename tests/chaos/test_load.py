"""The load is what it says it is: the same for the same seed, and convertible or not as told."""

from __future__ import annotations

from io import BytesIO
from itertools import islice

import pytest

from adapters import read_records
from lienthong.testing.chaos.load import AGENCIES, DOSSIER, REFUSED_ENDING, Fate, submissions
from mappings import load_agencies


@pytest.mark.parametrize("agency", AGENCIES)
def test_every_record_becomes_what_is_said_of_it(agency):
    converter = load_agencies(None).get(agency)
    seen = set()
    for submission in islice(submissions(agency, seed=3, batch=25), 40):
        records = read_records(BytesIO(submission.content), file_name="x", options=converter.source)
        for record, sent in zip(records, submission.records, strict=True):
            conversion = converter.convert(record)
            seen.add(sent.fate)
            assert conversion.dossier_code == sent.dossier
            assert bool(conversion.events) == (sent.fate is not Fate.REJECTED)
            if sent.fate is Fate.EFFECT:
                statuses = [e.values.get("TrangThaiHoSo") for e in conversion.events]
                assert sent.effects[0] == (DOSSIER, statuses[0])
            assert sent.dossier.endswith(REFUSED_ENDING) or sent.fate is not Fate.REFUSED
    assert seen == set(Fate)


@pytest.mark.parametrize("agency", AGENCIES)
def test_the_same_seed_gives_the_same_bytes_and_another_other_ones(agency):
    def first(seed):
        return [s.content for s in islice(submissions(agency, seed=seed, batch=10), 5)]

    assert first(1) == first(1)
    assert first(1) != first(2)


@pytest.mark.parametrize("agency", AGENCIES)
def test_a_status_comes_back_in_the_history_of_a_dossier(agency):
    rows = {}
    for submission in islice(submissions(agency, seed=1, batch=25), 40):
        for sent in submission.records:
            rows.setdefault(sent.dossier, []).extend(
                effect.status for effect in sent.effects if effect.packet == DOSSIER
            )
    assert any(row[:4] in (["2", "4", "5", "4"], ["4", "5", "4", "5"]) for row in rows.values())
