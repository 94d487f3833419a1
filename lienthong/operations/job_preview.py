"""What a bulk replay would do to what is left of it, without doing it; values are masked."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING

from lienthong.differences import without_indices
from lienthong.operations.downloads import Turns
from lienthong.operations.masking import finding_of
from lienthong.operations.replay_jobs import need_either, seen_job
from lienthong.operations.views import (
    ChangedField,
    ChangeView,
    RefusedItem,
    ReplayJobPreview,
)
from lienthong.reaching import Reaching
from lienthong.replay_previews import Document, masked
from lienthong.replay_states import Verb
from lienthong.store.database import reading
from lienthong.store.replay_jobs import read_items
from lienthong.store.replay_problems import nothing_to_preview

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from lienthong.access.rights import Principal
    from lienthong.replay_previews import Preview
    from lienthong.wiring import Installation

MOST_PREVIEWED = 1_000
LONGEST_SECONDS = 20.0
EXAMPLES = 3
"""Of each field that changes."""
MOST_REFUSED = 50
"""That are shown; all are counted."""
_TURNS = Turns(1, code="preview.busy")


def preview_replay_job(
    installation: Installation, principal: Principal, job_id: str, *, after: int, limit: int
) -> ReplayJobPreview:
    """
    Say what a job would do to its messages that it has not acted on; nothing is sent or written.

    Args:
        installation: The site.
        principal: Who asks.
        job_id: Of the job.
        after: The place in the job after which is looked.
        limit: How many messages are looked at, at most `MOST_PREVIEWED`.

    Raises:
        Forbidden: for an agency in it there is neither the right to ask nor to approve.
        InputError: there is none, it discards, or another such preview is under way.
        ConfigError: a mapping that a reissue would go by cannot be used now.
    """
    with reading(installation.store) as connection:
        job = seen_job(connection, principal, job_id)
        need_either(principal, job)
        if job.verb is Verb.DISCARD:
            raise nothing_to_preview()
        items = read_items(connection, job_id, after=after, limit=limit + 1)
    some = items[:limit]
    numbers = {item.message_id: item.number for item in some if item.outcome is None}
    dossiers = {item.message_id: item.dossier_code for item in some}
    found = _Found()
    with _TURNS.taking():
        last = monotonic() + LONGEST_SECONDS
        with closing(_previews(installation, job.verb, list(numbers))) as previews:
            for one in previews:
                found.add(one, dossier=dossiers[one.message_id])
                if monotonic() > last:
                    break
    is_cut = found.looked_at < len(numbers)
    return ReplayJobPreview(
        looked_at=found.looked_at,
        is_cut=is_cut,
        would_be_done=found.would_be_done,
        made_first=found.made_first,
        changed=found.changed,
        fields=found.fields(),
        refused=dict(found.refused.most_common()),
        refusals=found.refusals,
        next=some[-1].number if len(items) > limit and not is_cut else None,
    )


def _previews(installation: Installation, verb: Verb, ids: Sequence[str]) -> Generator[Preview]:
    previewer = Reaching(installation).make_previewer(portal=None)
    yield from previewer.resend(ids) if verb is Verb.RESEND else previewer.reissue(ids)


@dataclass(slots=True)
class _Found:
    """What was found so far."""

    looked_at: int = 0
    would_be_done: int = 0
    made_first: int = 0
    changed: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    """Messages by field that changes."""
    examples: dict[str, list[ChangeView]] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)
    refusals: list[RefusedItem] = field(default_factory=list)

    def add(self, one: Preview, *, dossier: str | None) -> None:
        """Count one in."""
        self.looked_at += 1
        if one.problem is not None:
            self.refused[one.problem.code] += 1
            if len(self.refusals) < MOST_REFUSED:
                self.refusals.append(
                    RefusedItem(
                        message=one.message_id, dossier=dossier, problem=finding_of(one.problem)
                    )
                )
            return
        self.would_be_done += 1
        if one.document is Document.NONE:
            self.made_first += 1
        elif one.changes:
            self.changed += 1
            self._note(one)

    def _note(self, one: Preview) -> None:
        names = set()
        for change in one.changes:
            name = without_indices(change.field)
            shown = self.examples.setdefault(name, [])
            if name not in names and len(shown) < EXAMPLES:
                hidden = masked(change)
                shown.append(
                    ChangeView(field=hidden.field, before=hidden.before, after=hidden.after)
                )
            names.add(name)
        self.counts.update(names)

    def fields(self) -> list[ChangedField]:
        """Return the fields that change, those that do most often first."""
        ordered = sorted(self.counts.items(), key=lambda found: (-found[1], found[0]))
        return [
            ChangedField(field=name, messages=count, examples=self.examples[name])
            for name, count in ordered
        ]
