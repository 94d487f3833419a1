"""What `verify` says of a receipt for a hand-over, also of the file that it is held against."""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import file_digest
from typing import TYPE_CHECKING, Any

from schemas.errors import InputError
from schemas.problem import Problem, Text
from schemas.receipts import ELEMENT

if TYPE_CHECKING:
    from pathlib import Path

    from schemas.problem import Language
    from schemas.receipts import SubmissionReceipt


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptFindings:
    """What a receipt states; true only as far as its signature is."""

    receipt: SubmissionReceipt
    is_same: bool | None = None
    """Whether the file it was held against is the one received; None: against none."""

    def held_against(self, content: Path) -> ReceiptFindings:
        """
        Return the same, with whether `content` is the file received.

        Raises:
            InputError: it cannot be read.
        """
        try:
            with content.open("rb") as file:
                digest = file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise InputError(_unreadable(content, error)) from error
        return replace(self, is_same=digest == self.receipt.digest)

    def lines(self, language: Language) -> list[tuple[str, str]]:
        """Return labels and values for a reader."""
        found = self.receipt
        rows = [
            (Text(vi="Biên nhận về", en="Receipt of"), f"{found.submission_id} ({found.agency})"),
            (Text(vi="Kết quả", en="States"), " ".join((found.statement.value, *found.codes))),
            (Text(vi="SHA-256", en="SHA-256"), found.digest),
            (Text(vi="Kích thước", en="Bytes"), str(found.size)),
            (Text(vi="Nhận lúc", en="Received at"), str(found.received_at)),
            (Text(vi="Cửa, người gửi", en="Door, sender"), f"{found.door}, {found.sender}"),
            (Text(vi="Hệ thống", en="Installation"), found.installation),
        ]
        lines = [(label.say(language), value) for label, value in rows]
        if self.is_same is not None:
            same = Text(vi="đúng tệp này", en="this very file")
            other = Text(vi="KHÔNG phải tệp này", en="NOT this file")
            said = (same if self.is_same else other).say(language)
            lines.append((Text(vi="Tệp đối chiếu", en="Content").say(language), said))
        return lines

    def values(self) -> dict[str, Any]:
        """Return the same for machines."""
        found = self.receipt
        return {
            "submission": found.submission_id,
            "statement": found.statement.value,
            "codes": list(found.codes),
            "agency": found.agency,
            "agency_code": found.agency_code,
            "sha256": found.digest,
            "bytes": found.size,
            "received_at": found.received_at.isoformat(),
            "door": found.door,
            "sender": found.sender,
            "installation": found.installation,
            "same_content": self.is_same,
        }


def is_receipt(document: bytes) -> bool:
    """Tell whether a document says that it is a receipt of ours; it is its own canonical form."""
    namespace, name = ELEMENT
    return document.startswith(f'<{name} xmlns="{namespace}"'.encode())


def other_content(receipt: SubmissionReceipt) -> Problem:
    """Return the fault of a receipt that is held against another file."""
    return Problem(
        code="receipt.other_content",
        message=Text(
            vi=f"Biên nhận là cho tệp có SHA-256 {receipt.digest}, không phải tệp đối chiếu",
            en=f"The receipt is for a file with SHA-256 {receipt.digest}, not for the one given",
        ),
        suggestion=Text(
            vi="Đối chiếu với đúng tệp đã gửi, từng byte như khi gửi",
            en="Hold it against the file that was sent, byte for byte as it was sent",
        ),
    )


def _unreadable(content: Path, error: OSError) -> Problem:
    cause = error.strerror or type(error).__name__
    return Problem(
        code="content.unreadable",
        message=Text(
            vi=f"Không đọc được tệp đối chiếu {content}: {cause}",
            en=f"The file {content}, which the receipt is held against, cannot be read: {cause}",
        ),
        suggestion=Text(vi="Kiểm tra đường dẫn", en="Check its path"),
    )
