"""Commands that say what a resend or a reissue of messages would do, without doing it."""

from __future__ import annotations

import getpass
import json
import sys
from contextlib import ExitStack
from itertools import chain, islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lienthong.cli.files import AsJson
from lienthong.cli.replaying import (
    VERBS,
    AllAgencies,
    Chosen,
    Dossier,
    Ids,
    OneAgency,
    States,
    Why,
    choose,
    watched,
)
from lienthong.cli.session import Exit, Session, finish
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from lienthong.replay_previews import Change, Preview, Totals
    from schemas.problem import Problem

TOGETHER = 100
"""Views that are written into the audit log at once."""
HELP = {
    "resend": "Say what a resend of messages would do; nothing is sent or written.\n\n"
    "Example: lienthong messages preview resend --agency land-registration --state parked",
    "reissue": "Say what a reissue of messages would do, field by field; nothing is sent or "
    "written.\n\n"
    "Example: lienthong messages preview reissue 0193a5c2-… --ask-portal",
}
preview = typer.Typer(
    help="Say what a resend or a reissue would do, without doing it.", no_args_is_help=True
)


def register(messages: typer.Typer) -> None:
    """Add the commands to `messages`."""
    for verb in VERBS:
        if verb.name in HELP:
            preview.command(verb.name, help=HELP[verb.name])(_command(verb.name, verb.states))
    messages.add_typer(preview, name="preview")


def _command(name: str, states: Sequence[Any]) -> Callable[..., None]:
    """Return the preview of one verb; both select as the verb does."""

    def command(  # noqa: PLR0913 - options of a command
        context: typer.Context,
        message_ids: Ids = None,
        state: States = None,
        agency: OneAgency = None,
        all_agencies: AllAgencies = False,
        dossier: Dossier = None,
        why: Why = None,
        ask_portal: Annotated[
            bool,
            typer.Option("--ask-portal", help="Ask the portal, too, what it has of each dossier"),
        ] = False,
        limit: Annotated[
            int, typer.Option(min=0, help="At most so many messages are shown; all are counted")
        ] = 20,
        reveal: Annotated[
            bool, typer.Option("--reveal", help="Show values, not only their shape; with --reason")
        ] = False,
        reason: Annotated[
            str | None,
            typer.Option("--reason", "-r", help="Why values are shown; it goes into the audit log"),
        ] = None,
        as_json: AsJson = False,
    ) -> None:
        session: Session = context.obj
        if reveal and not (reason or "").strip():
            raise typer.BadParameter("say why: --reason", param_hint="--reveal")
        which = Chosen(
            states=tuple(state or states),
            agency=agency,
            all_agencies=all_agencies,
            dossier=dossier,
            why=why,
        )
        chosen = choose(session, message_ids, which)
        shown = len(chosen) if as_json else limit
        with ExitStack() as stack:
            told = watched(
                session,
                _previews(session, stack, name, chosen, ask_portal=ask_portal),
                total=len(chosen),
            )
            if reveal:
                told = chain(noted(session, islice(told, shown), reason=str(reason)), told)
            view = PreviewShown(session, reveal=reveal)
            totals = view.write_json(told) if as_json else view.show(told, limit=limit)
        finish(Exit.PARTLY if totals.refused else Exit.DONE)

    return command


def _previews(
    session: Session, stack: ExitStack, name: str, chosen: list[str], *, ask_portal: bool
) -> Iterator[Preview]:
    from lienthong.reaching import Reaching
    from lienthong.reconciliation.asking import Stopped
    from lienthong.stopping import stop_on_signals

    reaching = Reaching(session.installation)
    portal = None
    if ask_portal:
        portal = stack.enter_context(reaching.open_portal_view(wait=stop_on_signals().wait))
    previewer = reaching.make_previewer(portal=portal)
    try:
        yield from previewer.resend(chosen) if name == "resend" else previewer.reissue(chosen)
    except Stopped:
        session.tell(Text(vi="Đã dừng", en="Stopped"))
        raise typer.Exit(Exit.PARTLY.value) from None


def noted(session: Session, told: Iterator[Preview], *, reason: str) -> Iterator[Preview]:
    """Give the same; that somebody saw the values is in the log before they are shown."""
    from lienthong.store.work import begin

    store, clock = session.installation.store, session.installation.clock
    while part := list(islice(told, TOGETHER)):
        with begin(store, at=clock, actor=getpass.getuser()) as work:
            for one in part:
                if one.stored is not None:
                    work.note("message.viewed", one.message_id, reason=reason)
        yield from part


class PreviewShown:
    """How previews are shown: values only where they may be."""

    def __init__(self, session: Session, *, reveal: bool) -> None:
        from lienthong.replay_previews import masked

        self._session = session
        self._reveal = reveal
        self._masked = masked

    def show(self, told: Iterator[Preview], *, limit: int) -> Totals:
        """Print the first ones, then what comes of all."""
        from lienthong.replay_previews import Totals

        totals, masks = Totals(), False
        for number, one in enumerate(told):
            totals.add(one)
            if number < limit:
                self._print(one)
                masks = masks or bool(one.changes or one.findings)
        self._summarize(totals, hidden=totals.would_go + totals.refused.total() - limit)
        if masks and not self._reveal:
            self._say(
                "Giá trị được che (chữ: x, số: 9), trừ mã; xem giá trị: thêm --reveal --reason",
                "Values are masked (letters x, digits 9) except codes; to see them: add "
                "--reveal --reason",
            )
        return totals

    def write_json(self, told: Iterator[Preview]) -> Totals:
        """Write one JSON document, piece by piece."""
        from lienthong.cli.replay_values import totals_values
        from lienthong.replay_previews import Totals

        totals, separator = Totals(), "\n"
        sys.stdout.write('{"messages": [')
        for one in told:
            totals.add(one)
            values = json.dumps(self._values(one), ensure_ascii=False)
            sys.stdout.write(separator + values)
            separator = ",\n"
        summary = json.dumps(totals_values(totals), ensure_ascii=False)
        sys.stdout.write(f'\n], "summary": {summary}}}\n')
        return totals

    def _say(self, vi: str, en: str, *, style: str | None = None) -> None:
        self._session.say(Text(vi=vi, en=en), style=style)

    def _print(self, one: Preview) -> None:
        from lienthong.cli.replay_words import facts, prospects, verdict

        stored, words = one.stored, verdict(one)
        self._say(
            f"{one.message_id}  {words.vi}",
            f"{one.message_id}  {words.en}",
            style="red" if one.problem else "bold",
        )
        if one.problem is not None:
            self._problem(one.problem, is_record=one.problem in one.findings)
        if stored is None:
            return
        for line in facts(one, stored):
            self._line(line)
        for finding in one.findings:
            if finding != one.problem:
                self._problem(finding, is_record=True)
        for change in map(self._shown, one.changes):
            before, after = change.before or "∅", change.after or "∅"
            self._line(Text(*(f"{change.field}: {before} → {after}",) * 2))
        for line in prospects(one):
            self._line(line)

    def _line(self, text: Text) -> None:
        from lienthong.cli.preview_tables import shown

        self._session.out.print(f"    {shown(text.say(self._session.language))}", markup=False)

    def _problem(self, problem: Problem, *, is_record: bool) -> None:
        """Print a finding; what is said of a record quotes its values."""
        language = self._session.language
        where = " ".join(filter(None, [problem.code, problem.place.say(language), problem.field]))
        if is_record and not self._reveal:
            self._line(Text(vi=where, en=where))
            return
        words = f"{where}: {problem.message.say(language)}"
        self._line(Text(vi=words, en=words))
        for advice in self._session.advice(problem.suggestion, problem.for_integrator):
            self._line(Text(vi=f"→ {advice}", en=f"→ {advice}"))

    def _shown(self, change: Change) -> Change:
        return change if self._reveal else self._masked(change)

    def _summarize(self, totals: Totals, *, hidden: int) -> None:
        if hidden > 0:
            self._say(
                f"Còn {hidden} thông điệp không hiện: thêm --limit hoặc --json",
                f"{hidden} more are not shown: see --limit or --json",
            )
        refused = totals.refused.total()
        self._say(
            f"{totals.would_go} sẽ được thực hiện ({totals.changed} đổi nội dung), "
            f"{refused} bị từ chối",
            f"{totals.would_go} would go ({totals.changed} with other content), "
            f"{refused} would be refused",
        )
        for code, count in totals.refused.most_common():
            self._session.out.print(f"{count:>9}  {code}", markup=False)
        for name, change in totals.differences.by_weight():
            self._session.out.print(f"{change.dossiers:>9}  {name}", markup=False)

    def _values(self, one: Preview) -> dict[str, Any]:
        from lienthong.cli.replay_values import outlook_values, portal_values, stored_values

        language = self._session.language
        return {
            "id": one.message_id,
            "verb": one.verb.value,
            "would_go": one.problem is None,
            "error": None if one.problem is None else self._problem_values(one, one.problem),
            **stored_values(one),
            "mapping_now": one.made_now_by,
            "findings": [self._problem_values(one, each) for each in one.findings],
            "document": one.document.value,
            "new_documents": one.new_documents,
            "compared": one.is_compared,
            "changes": [
                {"field": each.field, "before": each.before, "after": each.after}
                for each in map(self._shown, one.changes)
            ],
            "masked": not self._reveal,
            "outlook": outlook_values(one.outlook),
            "portal": portal_values(one.portal, language),
            "judged_without": one.judged_without,
        }

    def _problem_values(self, one: Preview, problem: Problem) -> dict[str, Any]:
        from lienthong.cli.machine import problem_values

        values = problem_values(problem, self._session.language)
        if self._reveal:
            return values
        hidden = ["value"]
        if problem in one.findings:
            # What is said of a record quotes its values.
            hidden += ["message", "suggestion", "for_integrator"]
        return values | dict.fromkeys(hidden)
