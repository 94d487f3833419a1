"""Commands that act on messages: resend, reissue, discard; one, or a selected many."""

from __future__ import annotations

import getpass
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from rich.progress import track

from lienthong.cli.files import AsJson
from lienthong.cli.session import Exit, Session, finish
from lienthong.states import State
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lienthong.flows.replay import Acted

T = TypeVar("T")

MOST = 1_000_000
"""Messages that one command selects at most."""
EXAMPLES = 5
FEW = 20
"""Up to so many are done before anybody looks at a progress bar."""

Ids = Annotated[
    list[str] | None, typer.Argument(help="Message ids; or select with --agency and --state")
]
Reason = Annotated[
    str, typer.Option("--reason", "-r", help="Why; it goes into the audit log", show_default=False)
]
States = Annotated[
    list[State] | None, typer.Option("--state", help="Select by state; may be repeated")
]
OneAgency = Annotated[str | None, typer.Option("--agency", help="Select of this agency")]
AllAgencies = Annotated[bool, typer.Option("--all-agencies", help="Select of every agency")]
Dossier = Annotated[str | None, typer.Option("--dossier", help="Select of this dossier code")]
Why = Annotated[str | None, typer.Option("--why", help="Select with this in the reason")]
Expect = Annotated[
    int | None, typer.Option("--expect", help="Do nothing unless exactly so many are selected")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say how many and which, do nothing")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask")]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Verb:
    """One thing that can be done to messages."""

    name: str
    help: str
    states: tuple[State, ...]
    """Selected where no state is given; without any, states must be given."""
    done: Text
    """With the message id in braces."""


VERBS = (
    _Verb(
        name="resend",
        help="Let the same signed documents go again, under the same message ids.\n\n"
        "Example: lienthong messages resend --agency land-registration --state parked -r repaired",
        states=(State.PARKED, State.QUARANTINED),
        done=Text(vi="Sẽ gửi lại {id}", en="{id} will go again"),
    ),
    _Verb(
        name="reissue",
        help="Make new messages from the same sources, by the mappings as they are now.\n\n"
        'Example: lienthong messages reissue 0193a5c2-… --reason "mapping of fees corrected"',
        states=(State.REJECTED, State.PARKED, State.QUARANTINED),
        done=Text(vi="{id} được lập lại thành {new}", en="{id} is reissued as {new}"),
    ),
    _Verb(
        name="discard",
        help="End messages for good without sending them; what waits behind them goes on.\n\n"
        'Example: lienthong messages discard 0193a5c2-… --reason "withdrawn by the applicant"',
        states=(),
        done=Text(vi="Đã hủy {id}", en="{id} is discarded"),
    ),
)


def register(messages: typer.Typer) -> None:
    """Add the commands of this module."""
    for verb in VERBS:
        messages.command(verb.name, help=verb.help)(_command(verb))


def _command(verb: _Verb) -> Callable[..., None]:
    """Return the command of one verb; all of them select alike."""

    def command(  # noqa: PLR0913 - options of a command
        context: typer.Context,
        reason: Reason,
        message_ids: Ids = None,
        state: States = None,
        agency: OneAgency = None,
        all_agencies: AllAgencies = False,
        dossier: Dossier = None,
        why: Why = None,
        expect: Expect = None,
        dry_run: DryRun = False,
        yes: Yes = False,
        as_json: AsJson = False,
    ) -> None:
        session: Session = context.obj
        chosen = choose(
            session,
            message_ids,
            Chosen(
                states=tuple(state or verb.states),
                agency=agency,
                all_agencies=all_agencies,
                dossier=dossier,
                why=why,
            ),
        )
        if expect is not None and len(chosen) != expect:
            raise typer.BadParameter(f"{len(chosen)} are selected, not {expect}; nothing was done")
        if not message_ids and not _may_go_on(session, verb, chosen, dry_run=dry_run, yes=yes):
            return
        _carry_out(session, verb, chosen, reason=reason, as_json=as_json)

    return command


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Which messages are meant where no ids are given."""

    states: tuple[State, ...]
    agency: str | None
    all_agencies: bool
    dossier: str | None
    why: str | None


def choose(session: Session, message_ids: list[str] | None, which: Chosen) -> list[str]:
    """
    Return the ids that are given, or else those of the messages that are meant.

    Raises:
        typer.BadParameter: it is not said of whom, or in which states.
    """
    if message_ids:
        return list(dict.fromkeys(message_ids))
    if which.agency is None and which.dossier is None and not which.all_agencies:
        raise typer.BadParameter("give message ids, --agency, --dossier or --all-agencies")
    if not which.states:
        raise typer.BadParameter("say which, for example --state parked")
    from lienthong.store.database import reading
    from lienthong.store.queries import select_ids
    from lienthong.store.selection import Selection

    selection = Selection(
        states=which.states,
        agency=which.agency,
        dossier_code=which.dossier,
        why=which.why,
        limit=MOST,
    )
    store = session.installation.store
    with reading(store) as connection:
        return select_ids(connection, selection, vault=store.vault)


def _may_go_on(
    session: Session, verb: _Verb, chosen: list[str], *, dry_run: bool, yes: bool
) -> bool:
    session.tell(Text(vi=f"{len(chosen)} thông điệp được chọn", en=f"{len(chosen)} are selected"))
    for message_id in chosen[:EXAMPLES]:
        session.tell(Text(vi=f"  {message_id}", en=f"  {message_id}"))
    if dry_run or not chosen:
        return False
    return yes or typer.confirm(session.word(f"Thực hiện {verb.name}?", f"{verb.name} them?"))


def _carry_out(
    session: Session, verb: _Verb, chosen: list[str], *, reason: str, as_json: bool
) -> None:
    from lienthong.flows.replay import Order, Replayer

    installation = session.installation
    order = Order(actor=getpass.getuser(), reason=reason)
    failed = False
    told = []
    with installation.open_broker() as broker:
        replayer = Replayer(store=installation.store, broker=broker, clock=installation.clock)
        acting = {
            "resend": lambda: replayer.resend(chosen, order=order),
            "reissue": lambda: replayer.reissue(chosen, order=order, agencies=installation.agency),
            "discard": lambda: replayer.discard(chosen, order=order),
        }[verb.name]()
        for acted in watched(session, acting, total=len(chosen)):
            failed = failed or acted.problem is not None
            if as_json:
                told.append(acted_values(session, acted))
            elif acted.problem is not None:
                session.problems([acted.problem], to_err=True)
            else:
                done = verb.done.say(session.language)
                session.out.print(done.format(id=acted.message_id, new=acted.new_id), markup=False)
    if as_json:
        session.json(told)
    finish(Exit.PARTLY if failed else Exit.DONE)


def watched(session: Session, acting: Iterator[T], *, total: int) -> Iterator[T]:
    """Give the same, with a bar where there are many."""
    if total <= FEW:
        return acting
    return iter(track(acting, total=total, console=session.err, transient=True))


def acted_values(session: Session, acted: Acted) -> dict[str, Any]:
    """Return what became of one message: values for JSON."""
    problem = acted.problem
    return {
        "id": acted.message_id,
        "done": problem is None,
        "new_id": acted.new_id,
        "error": None
        if problem is None
        else {"code": problem.code, "message": problem.message.say(session.language)},
    }
