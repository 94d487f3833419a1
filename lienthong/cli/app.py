"""
The command tree, and the boundary of the process: every error ends in words and an exit code.

Commands import what they need when they run, so that `--help` answers at once. Help is written in
English; where the language is Vietnamese its sentences are replaced from `vietnamese.HELP`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from broker.port import BrokerError
from lienthong.cli import exchange, files, keys, mapping, sandbox, system
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
exchange.register(app)
mapping.register(app)
keys.register(app)
sandbox.register(app)
system.register(app)


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
    words = list(sys.argv[1:] if arguments is None else arguments)
    language = _language_asked(words)
    command = typer.main.get_command(app)
    if language is Language.VI:
        translate(command)
    try:
        command.main(words, prog_name="lienthong", standalone_mode=True)
    except BrokenPipeError:
        # Whoever read our output has gone; writing the rest would only raise again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(Exit.DONE.value)
    except Exception as error:
        # The boundary of the process: what we know ends in words and a code, the rest is a bug.
        code = report(error, language)
        if code is None:
            raise
        sys.exit(code.value)


def _language_asked(words: Sequence[str]) -> Language:
    for number, word in enumerate(words):
        if word.startswith("--lang"):
            value = word.partition("=")[2] or "".join(words[number + 1 : number + 2])
            return Language.VI if value == "vi" else Language.EN
    return language_of(os.environ)


def report(error: Exception, language: Language) -> Exit | None:
    """Say on standard error what went wrong, with place and remedy; None for a bug."""
    # Importing cryptography takes longer than a whole --help; here it is loaded already.
    from signing import SigningError

    session = Session(language=language, settings_file=None, data_dir=None)
    if isinstance(error, InputError):
        session.problems([error.problem], to_err=True)
        return Exit.PARTLY
    if isinstance(error, SigningError):
        text = Text(vi=error.vi, en=error.en)
    elif isinstance(error, LienthongError):
        text = error.text
    elif isinstance(error, BrokerError):
        text = Text(vi=error.vi, en=error.en)
    else:
        return None
    session.err.print(f"[red]{error.code}[/]  {escape(text.say(language))}")
    if isinstance(error, ConfigError):
        session.problems(error.problems, to_err=True)
    unreachable = isinstance(error, (PeerError, BrokerError))
    return Exit.UNREACHABLE if unreachable else Exit.USAGE
