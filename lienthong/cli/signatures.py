"""Commands for signatures of single files: sign, stamp, verify."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from lienthong.cli.files import AgencyName, AsJson, read_document
from lienthong.cli.session import Exit, Session, finish
from lienthong.policy_settings import AGENCY_DOCUMENT, EDXML_LEGACY, FormName, PolicyName
from schemas.errors import ConfigError
from schemas.problem import Text

if TYPE_CHECKING:
    from lienthong.documents import DocumentFindings
    from lienthong.explanation import Explanation
    from signing import VerificationPolicy

AnyFile = Annotated[Path, typer.Argument(help="The file; - for standard input")]
InsideName = Literal["enveloped", "plain"]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(sign)
    app.command()(stamp)
    app.command()(verify)


def sign(  # noqa: PLR0913 - one for each option
    context: typer.Context,
    file: AnyFile,
    agency: AgencyName,
    out: Annotated[
        Path | None, typer.Option(help="Where to write; default standard output")
    ] = None,
    form: Annotated[
        FormName,
        typer.Option(
            help="enveloped: XAdES in the document; detached: XAdES beside a file of any type; "
            "plain: XML signature without XAdES"
        ),
    ] = "enveloped",
    digest: Annotated[
        Literal["sha256", "sha384", "sha512"] | None,
        typer.Option("--hash", help="Of the signature; default as in the settings"),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(help="Name under which a file is signed (detached); default its own"),
    ] = None,
    level: Annotated[
        Literal["b", "t", "lt"],
        typer.Option(
            help="b: as it is delivered; t: with a time-stamp besides; lt: with all that proves it "
            "without any authority, too (not plain)"
        ),
    ] = "b",
) -> None:
    """
    Sign one portal document, or a file of any type, with an agency's key (XAdES, B to LT).

    Example: lienthong sign ban-tin.xml --agency land-registration --out da-ky.xml

    Example: lienthong sign giay-phep.pdf -a land-registration --form detached --out giay-phep.sig
    """
    from lienthong.documents import sign_document, sign_document_plainly
    from signing import Hash

    session: Session = context.obj
    installation = session.installation
    converter = installation.mappings.get(agency)
    chosen = None if digest is None else Hash(digest)
    data, now = read_document(file), installation.clock()
    if form == "detached":
        signer = installation.signer(agency, digest=chosen)
        signed = signer.sign_file(data, name=_uri_of(file, name), signed_at=now)
    elif form == "plain":
        signed = sign_document_plainly(
            data,
            file_name=str(file),
            agency_code=converter.agency_code,
            signer=installation.plain_signer(agency, digest=chosen),
            now=now,
        )
    else:
        signed = sign_document(
            data,
            file_name=str(file),
            agency_code=converter.agency_code,
            signer=installation.signer(agency, digest=chosen),
            now=now,
        )
    if level == "t":
        signed = session.proving.stamp_document(signed)
    elif level == "lt":
        signed = session.proving.enclose_values(signed)
    _give(session, signed, out=out, told=Text(vi=f"Đã ký: {out}", en=f"Signed: {out}"))


def stamp(
    context: typer.Context,
    file: AnyFile,
    out: Annotated[
        Path | None, typer.Option(help="Where to write; default standard output")
    ] = None,
    level: Annotated[
        Literal["t", "lt"],
        typer.Option(
            help="t: a time-stamp; lt: one if there is none yet, certificates and revocation data"
        ),
    ] = "t",
    policy: Annotated[
        PolicyName, typer.Option(help="What it is, and so by which policy it is judged")
    ] = AGENCY_DOCUMENT,
) -> None:
    """
    Add a time-stamp to a signed document, for evidence (XAdES baseline T or LT), and no more.

    Example: lienthong stamp da-ky.xml --out da-ky-t.xml

    Example: lienthong stamp da-ky-t.xml --level lt --out da-ky-lt.xml
    """
    session: Session = context.obj
    document = read_document(file)
    if level == "lt":
        stamped = session.proving.enclose_values(document, policy=policy)
        told = Text(vi=f"Đã nâng lên mức LT: {out}", en=f"Now baseline LT: {out}")
    else:
        stamped = session.proving.stamp_document(document)
        told = Text(vi=f"Đã thêm dấu thời gian: {out}", en=f"Time-stamped: {out}")
    _give(session, stamped, out=out, told=told)


def _give(session: Session, document: bytes, *, out: Path | None, told: Text) -> None:
    if out is None:
        sys.stdout.buffer.write(document)
        return
    from lienthong.flows.convert import OutFolder

    OutFolder(out.parent).write(out.name, document)
    session.tell(told, style="green")


def verify(  # noqa: PLR0913 - one for each option
    context: typer.Context,
    file: AnyFile,
    trust: Annotated[
        list[Path] | None, typer.Option(help="Root certificate (PEM) to trust; may be repeated")
    ] = None,
    policy: Annotated[
        PolicyName, typer.Option(help="What it is, and so by which policy it is judged")
    ] = AGENCY_DOCUMENT,
    content: Annotated[
        Path | None, typer.Option(help="The file that a detached signature, or a receipt, is of")
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(help="Name under which the content was signed; default its own"),
    ] = None,
    form: Annotated[
        InsideName | None,
        typer.Option(help="Of a signature inside its document; default what the policy accepts"),
    ] = None,
    at: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"],
            help="When a plain signature's certificate must have been valid (UTC); default now",
        ),
    ] = None,
    step_by_step: Annotated[
        bool, typer.Option("--explain", help="Tell step by step what was checked, and the result")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """
    Say what is signed in a document, by whom, when, and whether it is trusted, and why not.

    Example: lienthong verify xml/H29.15-210305-0001.xml --explain

    Example: lienthong verify giay-phep.sig --content giay-phep.pdf

    Example: lienthong verify cong-van.edxml --policy edxml-legacy --at 2024-05-01
    """
    from lienthong.documents import hold_against
    from lienthong.explanation import explain_document
    from lienthong.receipt_findings import is_receipt

    session: Session = context.obj
    now = session.installation.clock()
    judged = session.installation.policies.load(policy, roots=trust or (), waits=True)
    document = read_document(file)
    # A receipt is signed inside, and names the file by its digest.
    is_detached = content is not None and not is_receipt(document)
    findings = _findings(
        document,
        policy=judged,
        beside=(_uri_of(content, name), read_document(content))
        if content is not None and is_detached
        else None,
        is_plain=form == "plain" or (form is None and _takes_plain_only(judged)),
        now=now,
        at=now if at is None else at.replace(tzinfo=UTC),
        is_ours=policy != EDXML_LEGACY,
    )
    if content is not None and not is_detached:
        findings = hold_against(findings, content)
    explanation = explain_document(findings, policy=judged) if step_by_step else None
    if as_json:
        steps = {} if explanation is None else {"steps": explanation.values()}
        values = findings.values(session.language)
        session.json({"file": str(file), "policy": policy, **values, **steps})
    else:
        for label, value in findings.lines(session.language):
            session.out.print(f"{label:<22}{value}", markup=False)
        if explanation is not None:
            _print_steps(session, explanation)
    finish(Exit.DONE if findings.is_good else Exit.PARTLY)


def _print_steps(session: Session, explanation: Explanation) -> None:
    for number, (title, result, found) in enumerate(explanation.lines(session.language), start=1):
        session.out.print(f"\n{number:>2}. {title}: {result}", markup=False)
        for line in found:
            session.out.print(f"    {line}", markup=False)


def _findings(  # noqa: PLR0913 - what was asked on the command line
    document: bytes,
    *,
    policy: VerificationPolicy,
    beside: tuple[str, bytes] | None,
    is_plain: bool,
    now: datetime,
    at: datetime,
    is_ours: bool,
) -> DocumentFindings:
    from lienthong.documents import DocumentFindings, inspect_document
    from signing import inspect, inspect_detached, inspect_plain

    if beside is not None:
        name, content = beside
        found = inspect_detached(document, content, name=name, policy=policy, now=now)
        return DocumentFindings(inspection=found, faults=None, signed=name)
    if is_plain:
        found = inspect_plain(document, policy=policy, at=at)
    else:
        found = inspect(document, policy=policy, now=now)
    if not is_ours:
        return DocumentFindings(inspection=found, faults=None)
    return inspect_document(document, inspection=found)


def _takes_plain_only(policy: VerificationPolicy) -> bool:
    return {form.value for form in policy.forms} == {"plain"}


def _uri_of(file: Path, name: str | None) -> str:
    from signing import relative_uri

    if name is not None:
        return name
    if str(file) == "-":
        raise ConfigError(
            Text(
                vi="nội dung đến từ đầu vào chuẩn nên không có tên: thêm --name TÊN",
                en="what comes from standard input has no name: add --name NAME",
            ),
            code="content.name",
        )
    return relative_uri(file.name)
