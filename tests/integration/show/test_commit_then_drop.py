"""Answers are lost after the commit, again and again: nothing is doubled, nothing fails wrongly."""

from __future__ import annotations

import pytest

from lienthong.sandbox import LookUpShows
from lienthong.testing.lost_answers import Trial, lose_answers

CONTENT, EXISTENCE = LookUpShows.CONTENT, LookUpShows.EXISTENCE


@pytest.mark.parametrize(
    ("channel", "idempotent", "shows", "rows"),
    [
        ("soap", True, CONTENT, 1),
        ("soap", False, CONTENT, 1),
        ("soap", False, EXISTENCE, 1),
        ("dvcqg-json", False, EXISTENCE, 1),
        ("dvcqg-json", False, EXISTENCE, 5),
    ],
)
def test_answers_that_are_lost_after_the_commit_double_nothing_and_fail_nothing(
    pki, tmp_path, channel, idempotent, shows, rows
):
    trial = Trial(
        channel=channel,
        count=60,
        idempotent=idempotent,
        look_up_shows=shows,
        rows_per_call=rows,
    )
    told = []

    verdict = lose_answers(trial, folder=tmp_path, pki=pki, tell=told.append)

    assert verdict.lost == told[-1] >= 60
    assert verdict.messages == 3 * verdict.dossiers
    assert verdict.delivered + verdict.unknown == verdict.messages
    assert (verdict.doubled_dossiers, verdict.doubled_rows) == (0, 0)
    assert (verdict.wrongly_failed, verdict.unfinished, verdict.misplaced) == (0, 0, 0)
    assert verdict.is_good
    if shows is CONTENT:
        assert (verdict.unknown, verdict.repeated_updates) == (0, 0)
    else:
        # The trial would be none if nothing had been left open by what the portal shows.
        assert verdict.unknown > 0
        assert verdict.repeated_updates > 0
