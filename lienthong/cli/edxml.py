"""Commands for edXML, the packets between administrations: show, unpack, make, status, check."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from lienthong.cli.files import AsJson, read_document
from lienthong.cli.session import Exit, Session, finish
from lienthong.policy_settings import EDXML_LEGACY
from schemas.edxml.names import QCVN
from schemas.problem import Severity, Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from adapters.edxml_files import AttachedFile
    from lienthong.edxml import PacketFindings, SignatureFindings

_WIDEST = 48
"""Columns of a terminal for the paths of fields."""

edxml = typer.Typer(
    help="Look at, take apart, make and answer edXML packets (QCVN 102).", no_args_is_help=True
)
PacketFile = Annotated[Path, typer.Argument(help="An edXML file; - for standard input")]
Namespaces = Annotated[
    list[str] | None,
    typer.Option("--namespace", help="Of its elements; may be repeated; default that of QCVN 102"),
]
Out = Annotated[Path | None, typer.Option(help="Where to write; default standard output")]
Roots = Annotated[
    list[Path] | None,
    typer.Option("--trust", help="Root certificate (PEM) to trust; may be repeated"),
]
At = Annotated[
    datetime | None,
    typer.Option(
        "--at",
        formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"],
        help="When a plain signature's certificate must have been valid (UTC); default now",
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(edxml, name="edxml")


@edxml.command()
def show(
    context: typer.Context,
    file: PacketFile,
    trust: Roots = None,
    at: At = None,
    namespace: Namespaces = None,
    as_json: AsJson = False,
) -> None:
    """
    Show the header of a packet, its attachments, and what its signature is worth.

    Example: lienthong edxml show cong-van.edxml
    """
    session: Session = context.obj
    found, signature = _looked_at(
        session, file, trust=trust, at=at, namespaces=namespace, document=None
    )
    if as_json:
        session.json({"file": str(file), **_values(session, found, signature)})
    else:
        _show(session, found, signature)
        session.problems(found.problems, to_err=True)
    finish(Exit.DONE if found.is_good and signature.is_good else Exit.PARTLY)


@edxml.command()
def check(  # noqa: PLR0913 - one for each option
    context: typer.Context,
    file: PacketFile,
    document: Annotated[
        Path | None, typer.Option(help="Of a status: the document that it must be of")
    ] = None,
    signed: Annotated[bool, typer.Option(help="A packet without signature is wrong")] = False,
    trust: Roots = None,
    at: At = None,
    namespace: Namespaces = None,
    as_json: AsJson = False,
) -> None:
    """
    Check a packet: structure, codes, manifest against attachments, signature.

    Example: lienthong edxml check trang-thai.edxml --document cong-van.edxml
    """
    session: Session = context.obj
    found, signature = _looked_at(
        session, file, trust=trust, at=at, namespaces=namespace, document=document
    )
    is_unsigned = signed and not signature.is_there
    is_good = found.is_good and signature.is_good and not is_unsigned
    if as_json:
        values = _values(session, found, signature)
        kept = ("packet", "signature", "errors")
        session.json({"file": str(file), "good": is_good, **{key: values[key] for key in kept}})
    else:
        session.problems(found.problems)
        _say_signature(session, signature)
        if is_unsigned:
            session.say(
                Text(
                    vi="Gói chưa ký, mà --signed đòi hỏi chữ ký",
                    en="The packet is not signed, and --signed demands it",
                ),
                style="red",
            )
        if is_good:
            session.say(Text(vi="Gói hợp lệ", en="The packet is valid"), style="green")
    finish(Exit.DONE if is_good else Exit.PARTLY)


@edxml.command()
def unpack(
    context: typer.Context,
    file: PacketFile,
    out: Annotated[Path, typer.Option(help="Folder that gets the files")],
    namespace: Namespaces = None,
    as_json: AsJson = False,
) -> None:
    """
    Write the attachments of a packet into a folder, under names that are safe everywhere.

    Nothing is written of a packet in which one of them is wrong.

    Example: lienthong edxml unpack cong-van.edxml --out tep
    """
    from lienthong.edxml import examine_packet, safe_names
    from lienthong.flows.convert import OutFolder

    session: Session = context.obj
    data = read_document(file)
    found = examine_packet(data, file_name=str(file), namespaces=namespace or (QCVN,))
    # What is wrong with the header says nothing of the files.
    wrong = [one for one in found.of_files if one.severity is Severity.ERROR]
    written: list[tuple[AttachedFile, str]] = []
    if not wrong:
        written = list(zip(found.files, safe_names(found.files), strict=True))
        folder = OutFolder(out)
        for one, name in written:
            folder.write(name, one.data)
    if as_json:
        from lienthong.cli.machine import problem_values

        session.json(
            {
                "file": str(file),
                "written": [{"path": str(out / name), **_of_file(one)} for one, name in written],
                "errors": [problem_values(one, session.language) for one in found.of_files],
            }
        )
    else:
        session.problems(found.of_files, to_err=True)
        for one, name in written:
            session.out.print(f"{out / name}  {len(one.data)}  {one.sha256}", markup=False)
    finish(Exit.PARTLY if wrong else Exit.DONE)


@edxml.command()
def make(
    context: typer.Context,
    file: Annotated[
        Path, typer.Argument(help="The description, YAML or JSON; - for standard input")
    ],
    out: Out = None,
    document_id: Annotated[
        Literal["after-to", "last"],
        typer.Option(help="Where DocumentId stands in the header; implementations differ"),
    ] = "after-to",
) -> None:
    """
    Make a packet from a description: fields by their published names, files beside it.

    Example: lienthong edxml make mo-ta.yaml --out cong-van.edxml
    """
    from lienthong.edxml_making import make_packet, read_description

    session: Session = context.obj
    description = read_description(
        read_document(file),
        file_name=str(file),
        folder=Path() if str(file) == "-" else file.parent,
    )
    made = make_packet(
        description, file_name=str(file), document_id=document_id, at=session.installation.clock()
    )
    _give(session, made, out=out)


@edxml.command()
def status(  # noqa: PLR0913 - one for each option
    context: typer.Context,
    file: PacketFile,
    code: Annotated[str, typer.Option(help="01 02 03 04 05 06 13 15 16; see docs/edxml.md")],
    sender: Annotated[str, typer.Option("--from", help="OrganId of the agency that answers")],
    name: Annotated[str, typer.Option(help="OrganName of the agency that answers")],
    description: Annotated[
        str, typer.Option(help="In words; default the meaning of the code")
    ] = "",
    department: Annotated[str, typer.Option(help="StaffInfo: unit of who acted")] = "",
    staff: Annotated[str, typer.Option(help="StaffInfo: who acted")] = "",
    after: Annotated[
        str | None, typer.Option(help="Code of the status before; an unusual order is told")
    ] = None,
    namespace: Namespaces = None,
    out: Out = None,
) -> None:
    """
    Make the status packet that answers a document.

    Example: lienthong edxml status cong-van.edxml --code 03 --from 000.00.01.H29 --name "Văn phòng"
    """
    from lienthong.edxml_making import Description, answer_document, make_packet

    session: Session = context.obj
    now = session.installation.clock()
    fields, remark = answer_document(
        read_document(file),
        file_name=str(file),
        namespaces=namespace or (QCVN,),
        code=code,
        after=after,
        sender={"OrganId": sender, "OrganName": name},
        staff={"Department": department, "Staff": staff},
        description=description,
        at=now,
    )
    if remark is not None:
        session.tell(remark, style="yellow")
    made = make_packet(
        Description.of_status(fields), file_name=str(file), document_id="after-to", at=now
    )
    _give(session, made, out=out)


def _looked_at(
    session: Session,
    file: Path,
    *,
    trust: list[Path] | None,
    at: datetime | None,
    namespaces: list[str] | None,
    document: Path | None,
) -> tuple[PacketFindings, SignatureFindings]:
    from lienthong.edxml import examine_packet, examine_signature

    data = read_document(file)
    found = examine_packet(
        data,
        file_name=str(file),
        namespaces=namespaces or (QCVN,),
        answers=None if document is None else read_document(document),
    )
    signature = examine_signature(
        data,
        found.packet,
        load_policy=lambda: session.installation.policies.load(
            EDXML_LEGACY, roots=trust or (), waits=True
        ),
        at=session.installation.clock() if at is None else at.replace(tzinfo=UTC),
    )
    return found, signature


def _give(session: Session, made: bytes, *, out: Path | None) -> None:
    import sys

    if out is None:
        sys.stdout.buffer.write(made)
        return
    from lienthong.flows.convert import OutFolder

    OutFolder(out.parent).write(out.name, made)
    session.tell(Text(vi=f"Đã tạo: {out}", en=f"Made: {out}"), style="green")


def _show(session: Session, found: PacketFindings, signature: SignatureFindings) -> None:
    packet = found.packet
    fields = list(_lines(packet.fields))
    width = min(max((len(path) for path, _ in fields), default=0) + 2, _WIDEST)
    label = session.word("Gói", "Packet")
    session.out.print(f"{label:<{width}} {packet.packet.value}", markup=False)
    for path, value in fields:
        meaning = _meaning(session, value) if path == "StatusCode" else ""
        session.out.print(f"{path:<{width}} {value}{meaning}", markup=False)
    label = session.word("Tệp đính kèm", "Attachment")
    for one in found.files:
        line = f"{one.name}  {one.type or '-'}  {len(one.data)}  {one.sha256}"
        session.out.print(f"{label:<{width}} {line}", markup=False)
    _say_signature(session, signature, width=width)


def _say_signature(session: Session, signature: SignatureFindings, *, width: int = 24) -> None:
    label = session.word("Chữ ký", "Signature")
    style = "green" if signature.document is not None and signature.is_good else None
    worth = signature.words.say(session.language)
    style = "red" if not signature.is_good else style
    session.out.print(f"{label:<{width}} {worth}", markup=False, style=style)
    if signature.document is not None:
        for name, value in signature.document.lines(session.language):
            session.out.print(f"  {name:<22}{value}", markup=False)


def _meaning(session: Session, code: str) -> str:
    from schemas.edxml.model import load_statuses

    known = load_statuses().get(code.strip())
    return "" if known is None else f" ({known.meaning.say(session.language)})"


def _lines(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield the paths and texts of all fields, each in one line."""
    if isinstance(value, str):
        yield path, " ".join(value.split())
    elif isinstance(value, list):
        for number, one in enumerate(value):
            yield from _lines(one, f"{path}[{number}]")
    elif isinstance(value, dict):
        for name, one in value.items():
            yield from _lines(one, f"{path}.{name}" if path else name)


def _values(
    session: Session, found: PacketFindings, signature: SignatureFindings
) -> dict[str, Any]:
    from lienthong.cli.machine import problem_values

    document = signature.document
    verified: Mapping[str, Any] = {} if document is None else document.values(session.language)
    return {
        "packet": found.packet.packet.value,
        "namespace": found.packet.namespace,
        "fields": found.packet.fields,
        "attachments": [_of_file(one) for one in found.files],
        "signature": {
            "kind": found.packet.signature.value,
            "good": signature.is_good,
            "message": signature.words.say(session.language),
            **verified,
        },
        "errors": [problem_values(one, session.language) for one in found.problems],
    }


def _of_file(one: AttachedFile) -> dict[str, Any]:
    return {"name": one.name, "type": one.type, "size": len(one.data), "sha256": one.sha256}
