"""The page of an evidence pack for people: what happened when, what is proven and what is not."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

from lienthong.channels.port import Packet
from lienthong.pages import render_page
from lienthong.step_words import word_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from schemas.problem import Language

MOST_STEPS = 1_000
"""Rows of the log that are shown; all of them are in the pack."""


def write_summary(
    manifest: Mapping[str, Any], steps: Sequence[Mapping[str, Any]], *, language: Language
) -> Iterator[str]:
    """Yield the page; `steps` are rows of the log with their proofs."""
    came_down = [one for one in manifest["messages"] if one["packet"] == Packet.INBOUND.value]
    down = {one[name] for one in came_down for name in ("id", "submission")}
    return render_page(
        "evidence.html",
        pack=manifest,
        steps=[_step(row, down) for row in steps],
        more=manifest["audit"]["rows"] - len(steps),
        lang=language,
        word=partial(_say, language=language),
    )


def _say(code: str, *, is_down: bool, language: Language) -> str:
    return word_of(code, is_down=is_down).say(language)


def _step(row: Mapping[str, Any], down: Collection[str]) -> dict[str, Any]:
    word = word_of(row["action"], is_down=row["subject"] in down)
    detail = None if "detail" not in row else json.loads(row["detail"])
    return {
        "at": row["at"][:19].replace("T", " "),
        "vi": word.vi,
        "en": word.en,
        "action": row["action"],
        "subject": row["subject"],
        "actor": row["actor"],
        "row": row["row"],
        "seal": row["seal"],
        "detail": None
        if detail is None
        else ", ".join(
            f"{key}: {value}" for key, value in detail.items() if value not in (None, "")
        ),
    }
