"""Commands on receipts for what was received: receipts show."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lienthong.cli.files import AsJson
from lienthong.cli.session import Exit, Session, finish
from schemas.problem import Text
from schemas.receipts import Statement

if TYPE_CHECKING:
    from lienthong.store.submission_receipts import SignedReceipt

receipts = typer.Typer(help="Signed receipts for what was received.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    receipts.command()(show)
    app.add_typer(receipts, name="receipts")


@receipts.callback()
def _group() -> None:
    """Keep `show` a command of its own: Typer would make a group of one command that command."""


def show(
    context: typer.Context,
    submission: Annotated[str, typer.Argument(help="Id of the submission")],
    out: Annotated[Path | None, typer.Option(help="Write the receipt itself there")] = None,
    statement: Annotated[Statement, typer.Option(help="What it states")] = Statement.RECEIVED,
    as_json: AsJson = False,
) -> None:
    """
    Show what was signed about one submission, or write it to a file; it is signed if it waits.

    Example: lienthong receipts show 0193a5c2-… --out receipt.xml
    """
    from schemas.parser import parse_xml
    from schemas.receipts import read_submission_receipt

    session: Session = context.obj
    signed = _make(session, submission, statement)
    if signed is None:
        session.tell(_none(session, submission), style="red")
        finish(Exit.PARTLY)
        return
    if out is not None:
        _write(session, signed, out)
        return
    found = read_submission_receipt(parse_xml(signed.document))
    values = {
        "submission": found.submission_id,
        "statement": found.statement.value,
        "codes": list(found.codes),
        "installation": found.installation,
        "agency": found.agency,
        "agency_code": found.agency_code,
        "door": found.door,
        "sender": found.sender,
        "sha256": found.digest,
        "bytes": found.size,
        "received_at": found.received_at.isoformat(),
        "receipt_sha256": signed.digest,
        "signer": signed.signer,
    }
    if as_json:
        session.json({**values, "receipt": signed.document.decode()})
        return
    for name, value in values.items():
        words = ", ".join(value) if isinstance(value, list) else value
        session.out.print(f"{name:<16}{words if words not in (None, '') else '-'}", markup=False)


def receipt_now(session: Session, submission_id: str, *, out: Path) -> SignedReceipt | None:
    """Write the receipt of a submission to a file; where it cannot be signed now, say so."""
    signed = _make(session, submission_id, Statement.RECEIVED)
    if signed is None:
        session.tell(_none(session, submission_id), style="yellow")
        return None
    _write(session, signed, out)
    return signed


def _make(session: Session, submission_id: str, statement: Statement) -> SignedReceipt | None:
    from lienthong.moving import Moving
    from lienthong.store.database import reading
    from lienthong.store.submission_receipts import read_receipts

    store = session.installation.store
    Moving(session.installation).make_acknowledger().make(submission_id)
    with reading(store) as connection:
        found = read_receipts(connection, submission_id, vault=store.vault)
    return next((one for one in found if one.statement is statement), None)


def _none(session: Session, submission_id: str) -> Text:
    from sqlalchemy import select

    from lienthong.store.database import reading
    from lienthong.store.tables import submissions

    due = select(submissions.c.receipt_due_at).where(submissions.c.id == submission_id)
    with reading(session.installation.store) as connection:
        row = connection.execute(due).first()
    if row is not None and row.receipt_due_at is not None:
        again = f"lienthong receipts show {submission_id}"
        return Text(
            vi="Tệp đã nhận an toàn; biên nhận chưa ký được (xem khóa: lienthong keys check), sẽ "
            f"được ký sau. Xem lại: {again}",
            en="The file is safe; its receipt cannot be signed now (see the key: lienthong keys "
            f"check), and will be later. See again: {again}",
        )
    return Text(
        vi=f"Không có biên nhận loại đó cho lần gửi {submission_id}",
        en=f"There is no such receipt for submission {submission_id}",
    )


def _write(session: Session, signed: SignedReceipt, out: Path) -> None:
    from lienthong.flows.convert import OutFolder

    OutFolder(out.parent).write(out.name, signed.document)
    session.tell(Text(vi=f"Đã ghi biên nhận: {out}", en=f"Wrote the receipt: {out}"), style="green")
