"""What a resend or a reissue of one message would do, without doing it."""

from __future__ import annotations

from contextlib import ExitStack
from time import monotonic, sleep
from typing import TYPE_CHECKING

from lienthong.access.rights import Right
from lienthong.discrepancies import WORDS
from lienthong.operations.masking import finding_of, words_of
from lienthong.operations.messages import agency_of_message, note_reveal
from lienthong.operations.views import ChangeView, OutlookView, PortalSaysView, PreviewView
from lienthong.reaching import Reaching
from lienthong.reconciliation.asking import Stopped
from lienthong.replay_previews import Verb, masked
from schemas.errors import InputError
from schemas.problem import Problem, Text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lienthong.access.rights import Principal
    from lienthong.corrections import Wish
    from lienthong.flows.replay_preview import Previewer
    from lienthong.operations.messages import Reveal
    from lienthong.replay_previews import Change, PortalSays, Preview
    from lienthong.wiring import Installation

PATIENCE_SECONDS = 15.0
"""How long somebody is kept waiting for the portal's turn: in a maintenance window it is hours."""
_PORTAL_RESTS = Problem(
    code="preview.portal_rests",
    message=Text(
        vi="Cổng đang nghỉ hoặc đang được gọi ở tốc độ tối đa, nên chưa hỏi được",
        en="The portal rests, or is called as often as it may be, so it was not asked",
    ),
    suggestion=Text(
        vi="Xem trước mà không hỏi Cổng, hoặc hỏi lại sau",
        en="Preview without asking the portal, or ask again later",
    ),
)


def preview_message(
    installation: Installation,
    principal: Principal,
    message_id: str,
    verb: Verb,
    *,
    asks_portal: bool = False,
    reveal: Reveal | None = None,
) -> PreviewView:
    """
    Say what would become of a message; nothing is sent, claimed or written.

    Args:
        installation: The site.
        principal: Who asks.
        message_id: Of the message.
        verb: What would be done.
        asks_portal: Also ask the portal what it has of the dossier.
        reveal: Why values are to be shown.

    Raises:
        Forbidden: it may be seen, but not acted on or not revealed.
        InputError: there is none that whoever asks may see.
        ConfigError: the portal is to be asked, and none is configured.
    """

    def told(previewer: Previewer) -> Preview:
        previews = previewer.resend if verb is Verb.RESEND else previewer.reissue
        (one,) = previews([message_id])
        return one

    agency = agency_of_message(installation, principal, message_id)
    principal.need(Right.REPLAY_ONE, agency)
    if reveal is not None:
        principal.need(Right.REVEAL, agency)
    one = _ask(installation, told, asks_portal=asks_portal)
    if reveal is not None:
        note_reveal(installation, principal, message_id, reveal)
    return _view(one, is_revealed=reveal is not None)


def preview_correction(
    installation: Installation,
    principal: Principal,
    message_id: str,
    wishes: Sequence[Wish],
    *,
    asks_portal: bool = False,
    reveal: Reveal | None = None,
) -> PreviewView:
    """
    Say what would become of a message once values of its record are corrected; nothing is written.

    Raises:
        Forbidden: it may be seen, but not corrected or not revealed.
        InputError: there is none that whoever asks may see, or what is wanted cannot be tried.
        ConfigError: the portal is to be asked, and none is configured.
    """
    agency = agency_of_message(installation, principal, message_id)
    principal.need(Right.EDIT, agency)
    if reveal is not None:
        principal.need(Right.REVEAL, agency)
    one = _ask(
        installation,
        lambda previewer: previewer.correct(message_id, wishes),
        asks_portal=asks_portal,
    )
    if reveal is not None:
        note_reveal(installation, principal, message_id, reveal)
    return _view(one, is_revealed=reveal is not None)


def _ask(
    installation: Installation, told: Callable[[Previewer], Preview], *, asks_portal: bool
) -> Preview:
    reaching = Reaching(installation)
    with ExitStack() as stack:
        portal = None
        if asks_portal:
            view = reaching.open_portal_view(wait=_patience(PATIENCE_SECONDS))
            portal = stack.enter_context(view)
        try:
            return told(reaching.make_previewer(portal=portal))
        except Stopped:
            raise InputError(_PORTAL_RESTS) from None


def _patience(seconds: float) -> Callable[[float], bool]:
    """Return what waits, so often as it is asked to, until so many seconds are over."""
    ends = monotonic() + seconds

    def wait(wanted: float) -> bool:
        sleep(min(wanted, max(0.0, ends - monotonic())))
        return monotonic() >= ends

    return wait


def _view(one: Preview, *, is_revealed: bool) -> PreviewView:
    problem, stored, outlook = one.problem, one.stored, one.outlook
    return PreviewView(
        id=one.message_id,
        verb=one.verb,
        would_be_done=problem is None,
        problem=None if problem is None else finding_of(problem, is_revealed=is_revealed),
        made_by=None if stored is None else stored.mapping,
        made_now_by=one.made_now_by,
        findings=[finding_of(each, is_revealed=is_revealed) for each in one.findings],
        document=one.document,
        document_sha256=None if stored is None else stored.digest,
        new_documents=one.new_documents,
        is_compared=one.is_compared,
        changes=[_change(each if is_revealed else masked(each)) for each in one.changes],
        outlook=OutlookView(
            acknowledged=outlook.acknowledged,
            newer_snapshots=list(outlook.newer_snapshots),
            progress_behind=outlook.progress_behind,
            is_turn=outlook.is_turn,
            waits_for=outlook.waits_for,
            awaits_files=outlook.awaits_files,
            is_updating=outlook.is_updating,
        ),
        portal=None if one.portal is None else _portal(one.portal),
        is_revealed=is_revealed,
    )


def _change(change: Change) -> ChangeView:
    return ChangeView(field=change.field, before=change.before, after=change.after)


def _portal(says: PortalSays) -> PortalSaysView:
    differs = says.discrepancy
    return PortalSaysView(
        found=says.found,
        proves=says.proves,
        detail=says.detail,
        status=says.status,
        message=says.message_id,
        discrepancy=None if differs is None else words_of(WORDS[differs.kind]),
    )
