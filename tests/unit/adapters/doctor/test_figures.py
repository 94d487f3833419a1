"""The figures of docs/text-doctor.md, measured again."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest

from adapters.doctor import ColumnVote, Verdict, diagnose

GUIDE = Path(__file__).parents[4] / "docs" / "text-doctor.md"
ENCODINGS = ["tcvn3", "vni", "viscii", "windows-1258", "utf-8", "utf-8 twice", "viqr"]


def judge(shown):
    vote = ColumnVote()
    for text in shown:
        vote.add(text)
    return vote.judge()


def repaired_in_columns(pairs):
    """Return values, and those that came out right, judged as one column."""
    judgement = judge(text for _, text in pairs)
    return len(pairs), sum(judgement.diagnose(shown).text == right for right, shown in pairs)


def small_columns(corpus, encoding, *, size):
    """Return values, right ones and falsely changed ones of 100 columns of `size` values."""
    chance, total, good, false = random.Random(size), 0, 0, 0
    for _ in range(100):
        values = chance.choice([v for v in corpus.columns().values() if len(v) >= size])
        pairs = corpus.misread(chance.sample(values, size), encoding)
        judgement = judge(shown for _, shown in pairs)
        for right, shown in pairs:
            text = judgement.diagnose(shown).text
            total += 1
            good += text == right
            false += text not in (right, shown)
    return total, good, false


def alone(corpus, encoding):
    counts = Counter()
    for values in corpus.columns().values():
        for right, shown in corpus.misread(values, encoding):
            if shown == right:
                continue
            found = diagnose(shown)
            if found.text == right:
                counts["repaired"] += 1
            elif found.text != shown:
                counts["false"] += 1
            else:
                counts[found.verdict.value] += 1
    return counts


def row(corpus, encoding):
    """Return the line of the table, and the worst share of right values in any column."""
    measured = [
        repaired_in_columns(corpus.misread(values, encoding))
        for values in corpus.columns().values()
    ]
    total, good = (sum(each) for each in zip(*measured, strict=True))
    _, good_of_ten, false_of_ten = small_columns(corpus, encoding, size=10)
    counts = alone(corpus, encoding)
    lone = sum(counts.values())
    shares = [
        f"{100 * counts[kind] / lone:.1f}" for kind in ("repaired", Verdict.DOUBTFUL.value, "right")
    ]
    line = (
        f"| {encoding} | {total} | {100 * good / total:.2f} | {good_of_ten / 10:.1f} "
        f"| {' | '.join(shares)} | {counts['false'] + false_of_ten} |"
    )
    return line, min(right / count for count, right in measured)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_of_every_column_99_5_percent_come_out_right_and_the_guide_says_so(corpus, encoding):
    line, worst = row(corpus, encoding)

    assert worst >= 0.995
    assert line in GUIDE.read_text("utf-8").splitlines()
