"""
The command tree, and the boundary of the process: every error ends in words and an exit code.

Commands import what they need when they run, so that `--help` answers at once. Help is written in
English; where the language is Vietnamese its sentences are replaced from `vietnamese.HELP`.
"""

from __future__ import annotations

import os
import sys
from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from typer.main import get_command_name

from broker.port import BrokerError
from lienthong.cli import (
    access,
    alerts,
    audit,
    bench,
    catalogue,
    doors,
    dossier,
    drift,
    edxml,
    evidence,
    exchange,
    files,
    keys,
    mapping,
    mapping_impact,
    mapping_new,
    mapping_overview,
    mapping_preview,
    peers,
    problems,
    pull,
    receipts,
    reconciling,
    sandbox,
    sharing,
    signatures,
    store,
    system,
    text,
    topology,
    traffic,
)
from lienthong.cli.session import Exit, Session
from lienthong.cli.vietnamese import translate
from schemas.errors import ConfigError, InputError, LienthongError, PeerError
from schemas.problem import Language, Text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

app = typer.Typer(
    name="lienthong",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Bring agencies' dossiers to the National Public Service Portal: signed, in order, "
    "once, with proof.",
    epilog="Exit codes: 0 done · 1 done, but something was rejected or did not verify · "
    "2 wrong usage or configuration · 3 a service cannot be reached",
)
files.register(app)
signatures.register(app)
edxml.register(app)
exchange.register(app)
problems.register(app)
dossier.register(app)
reconciling.register(app)
drift.register(app)
alerts.register(app)
mapping.register(app)
mapping_overview.register(app)
mapping_new.register(app)
mapping_preview.register(mapping.mapping)
mapping_impact.register(mapping.mapping)
catalogue.register(app)
text.register(app)
keys.register(app)
store.register(app)
sandbox.register(app)
system.register(app)
audit.register(app)
evidence.register(app)
topology.register(app)
traffic.register(app)
doors.register(app)
access.register(app)
receipts.register(app)
peers.register(app)
sharing.register(app)
pull.register(app)
bench.register(app)

WITH_VALUE = ("--lang", "--settings", "--data-dir")
ALONE = ("--verbose", "-v")
"""What may stand before a command: the options of `begin`."""


@app.callback()
def begin(
    context: typer.Context,
    lang: Annotated[
        Language | None, typer.Option(help="Language of messages; default from the locale")
    ] = None,
    settings: Annotated[
        Path | None, typer.Option(help="Settings file; default ./lienthong.toml if it is there")
    ] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="Where everything is kept; default ./lienthong-data")
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log every outcome")] = False,
) -> None:
    """Put together what every command needs."""
    from lienthong.logs import configure_logs

    configure_logs(verbose=verbose)
    if failing := os.environ.get("LIENTHONG_FAILPOINTS"):
        from lienthong.failpoints import arm

        arm(failing)
    context.obj = Session(
        language=lang or language_of(os.environ), settings_file=settings, data_dir=data_dir
    )


def language_of(environment: Mapping[str, str]) -> Language:
    """Return Vietnamese for a Vietnamese locale, else English."""
    for name in ("LIENTHONG_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        value = environment.get(name)
        if value:
            return Language.VI if value.lower().startswith("vi") else Language.EN
    return Language.EN


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code."""
    words = _language_first(list(sys.argv[1:] if arguments is None else arguments))
    language = _language_asked(words)
    command = typer.main.get_command(branch_of(words))
    if language is Language.VI:
        translate(command)
    try:
        try:
            command.main(words, prog_name="lienthong", standalone_mode=True)
        finally:
            # What cannot be written is known only now; later nobody could say it in words.
            _flush_output()
    except BrokenPipeError:
        # Whoever read our output has gone, and knows it.
        sys.exit(Exit.PARTLY.value)
    except Exception as error:
        # The boundary of the process: what we know ends in words and a code, the rest is a bug.
        code = report(error, language)
        if code is None:
            raise
        sys.exit(code.value)


def branch_of(words: Sequence[str]) -> typer.Typer:
    """
    Return the tree with the one branch that the words lead into; the whole where they name none.

    To build all of it takes longer than most commands.
    """
    asked = _command_asked(words)
    branch = copy(app)
    branch.registered_commands = [
        one
        for one in app.registered_commands
        if one.callback and asked == (one.name or get_command_name(one.callback.__name__))
    ]
    branch.registered_groups = [
        one
        for one in app.registered_groups
        if one.typer_instance and asked in (one.name, one.typer_instance.info.name)
    ]
    return branch if branch.registered_commands or branch.registered_groups else app


def _command_asked(words: Sequence[str]) -> str | None:
    waiting = iter(words)
    for word in waiting:
        if word in WITH_VALUE:
            next(waiting, None)
        elif word not in ALONE and word.partition("=")[0] not in WITH_VALUE:
            return word
    return None


def _flush_output() -> None:
    try:
        sys.stdout.flush()
    except OSError:
        # The rest cannot go anywhere; without this the interpreter would try once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise


def _language_first(words: list[str]) -> list[str]:
    """Return the words with `--lang` first, wherever it was written; the last one counts."""
    end = words.index("--") if "--" in words else len(words)
    asked: list[str] = []
    others: list[str] = []
    waiting = iter(words[:end])
    for word in waiting:
        value = next(waiting, None) if word == "--lang" else None
        if value is not None:
            asked = [word, value]
        elif word.startswith("--lang="):
            asked = [word]
        else:
            others.append(word)
    return [*asked, *others, *words[end:]]


def _language_asked(words: Sequence[str]) -> Language:
    for number, word in enumerate(words):
        if word.startswith("--lang"):
            value = word.partition("=")[2] or "".join(words[number + 1 : number + 2])
            return Language.VI if value == "vi" else Language.EN
    return language_of(os.environ)


def report(error: Exception, language: Language) -> Exit | None:
    """Say on standard error what went wrong, with place and remedy; None for a bug."""
    session = Session(language=language, settings_file=None, data_dir=None)
    if isinstance(error, InputError):
        session.problems([error.problem], to_err=True)
        return Exit.PARTLY
    if isinstance(error, ConfigError) and len(error.problems) == 1:
        session.problems(error.problems, to_err=True)
        return Exit.USAGE
    told = _told(error)
    if told is None:
        return None
    code, text, ending = told
    session.err.print(f"[red]{code}[/]  {escape(text.say(language))}")
    if isinstance(error, ConfigError):
        session.problems(error.problems, to_err=True)
    return ending


def _told(error: Exception) -> tuple[str, Text, Exit] | None:
    # Importing cryptography or the store takes longer than a whole --help.
    import sqlite3

    from sqlalchemy.exc import DBAPIError

    from signing import SigningError

    if isinstance(error, SigningError):
        return error.code, Text(vi=error.vi, en=error.en), Exit.USAGE
    if isinstance(error, BrokerError):
        return error.code, Text(vi=error.vi, en=error.en), Exit.UNREACHABLE
    if isinstance(error, LienthongError):
        ending = Exit.UNREACHABLE if isinstance(error, PeerError) else Exit.USAGE
        return error.code, error.text, ending
    if isinstance(error, OSError):
        return "system.failed", _system_text(error), Exit.USAGE
    if isinstance(error, (DBAPIError, sqlite3.Error)):
        cause = error.orig if isinstance(error, DBAPIError) else error
        return "store.failed", _store_text(cause), Exit.UNREACHABLE
    return None


def _system_text(error: OSError) -> Text:
    cause = error.strerror or type(error).__name__
    where = f"{error.filename}: " if error.filename else ""
    return Text(
        vi=f"{where}{cause}; kiểm tra đường dẫn, quyền truy cập và dung lượng đĩa còn trống",
        en=f"{where}{cause}; check the path, its permissions and the free disk space",
    )


def _store_text(cause: BaseException | None) -> Text:
    return Text(
        vi=f"Không ghi hoặc đọc được tệp cơ sở dữ liệu ({cause}); giải phóng dung lượng đĩa, "
        "xem: lienthong doctor, rồi chạy lại lệnh",
        en=f"A database file cannot be written or read ({cause}); free disk space, "
        "see: lienthong doctor, and run the command again",
    )
