"""Commands for evidence packs: evidence export, verify, verifier."""

from __future__ import annotations

import getpass
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lienthong.cli.files import AsJson
from lienthong.cli.session import Exit, Session, finish
from schemas.errors import ConfigError
from schemas.problem import Text

if TYPE_CHECKING:
    from lienthong.evidence.packing import Packed, Packer, Wanted

evidence = typer.Typer(help="Evidence that anyone can check.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(evidence, name="evidence")


@evidence.command()
def export(  # noqa: PLR0913 - options of a command
    context: typer.Context,
    dossier: Annotated[str, typer.Argument(help="Code of the dossier, or id of a message")],
    out: Annotated[Path | None, typer.Option(help="File; default the code, .asice")] = None,
    agency: Annotated[
        str | None, typer.Option(help="Name of its mapping, where several have that code")
    ] = None,
    whole_files: Annotated[
        bool,
        typer.Option(
            "--whole-files",
            help="Also files as they came: DISCLOSES the dossiers of all others in them",
        ),
    ] = False,
    whole_chain: Annotated[
        bool, typer.Option("--whole-chain", help="The chain of seals, however long")
    ] = False,
    english: Annotated[bool, typer.Option("--english", help="The summary in English")] = False,
) -> None:
    """
    Write everything that proves what became of a dossier into one signed file (ASiC-E).

    Who exported it, and when, is a row of the audit log.
    Example: lienthong evidence export H29.15-250707-0001 --out chung-cu.asice
    """
    from lienthong.evidence.packing import Wanted, name_of_pack
    from schemas.problem import Language

    session: Session = context.obj
    wanted = Wanted(
        dossier=dossier,
        agency=agency,
        whole_files=whole_files,
        whole_chain=whole_chain,
        language=Language.EN if english else Language.VI,
    )
    file = out or Path(name_of_pack(dossier))
    for trouble in session.proving.begin_export(wanted, actor=getpass.getuser()):
        session.tell(trouble, style="yellow")
    packed = _write(session.proving.make_packer(waits=True), file, wanted)
    for why in packed.left_out:
        session.tell(
            Text(vi=f"Không có tệp nguồn: {why.vi}", en=f"without a source file: {why.en}"),
            style="yellow",
        )
    session.say(
        Text(
            vi=f"Đã ghi {file}: {packed.messages} thông điệp, {packed.documents} tài liệu, "
            f"{packed.receipts} biên nhận, {packed.rows} dòng nhật ký "
            f"({packed.unsealed} chưa niêm phong)",
            en=f"{file} was written: {packed.messages} messages, {packed.documents} documents, "
            f"{packed.receipts} receipts, {packed.rows} rows of the log "
            f"({packed.unsealed} not sealed)",
        )
    )


@evidence.command()
def verify(  # noqa: PLR0913 - options of a command
    context: typer.Context,
    pack: Annotated[Path, typer.Argument(help="The pack")],
    root: Annotated[list[Path] | None, typer.Option(help="PEM of a trusted root")] = None,
    receipt_root: Annotated[
        list[Path] | None, typer.Option(help="PEM that only the portal's receipts may lead to")
    ] = None,
    stamp_root: Annotated[
        list[Path] | None, typer.Option(help="PEM of the root of the time-stamp authority")
    ] = None,
    operator: Annotated[
        list[str] | None, typer.Option(help="SHA-256 of the operator's certificate")
    ] = None,
    witness: Annotated[
        list[str] | None, typer.Option(help="File of a witness, or number:digest of a printed page")
    ] = None,
    source: Annotated[
        list[Path] | None, typer.Option(help="A file that the agency handed in")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """
    Check a pack and say what is proven, what is not and why; needs no installation.

    Example: lienthong evidence verify chung-cu.asice --root root.pem --witness seals.jsonl
    """
    from lienthong.evidence import verify_evidence as verifier

    session: Session = context.obj
    try:
        means = verifier.Means(
            roots=verifier.read_roots(map(str, root or ())),
            receipt_roots=verifier.read_roots(map(str, receipt_root or ())),
            stamp_roots=verifier.read_roots(map(str, stamp_root or ())),
            operators=operator or (),
            witness=verifier.read_witness(witness or ()),
            sources=verifier.digest_files(map(str, source or ())),
        )
        with pack.open("rb") as file:
            report = verifier.verify(file, means)
    except verifier.Unusable as error:
        raise ConfigError(str(error), code="evidence.unusable") from error
    if as_json:
        session.json(report.values())
    else:
        sys.stdout.write(verifier.write_report(report, session.language.value))
    finish(Exit.DONE if report.verdict == verifier.PROVEN else Exit.PARTLY)


@evidence.command()
def verifier() -> None:
    """
    Write the verifier, one Python file that needs cryptography and lxml alone.

    Example: lienthong evidence verifier > verify_evidence.py
    """
    from importlib.resources import files

    text = files("lienthong.evidence").joinpath("verify_evidence.py").read_text(encoding="utf-8")
    sys.stdout.write(text)


def _write(packer: Packer, file: Path, wanted: Wanted) -> Packed:
    """Write the pack beside its place, and put it there when it is whole."""
    partial = file.with_name(f".{file.name}.part")
    try:
        with partial.open("w+b") as target:
            packed = packer.pack(target, wanted)
        partial.replace(file)
    except OSError as error:
        raise ConfigError(
            Text(
                vi=f"Không ghi được {file}: {error.strerror}",
                en=f"{file} cannot be written: {error.strerror}",
            ),
            code="evidence.unwritable",
        ) from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
    return packed
