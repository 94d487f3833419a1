"""What is said of a file that is not as it should be: which it is, where its record is, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mappings.file_fields import KEY
from schemas.errors import InputError, LienthongError
from schemas.problem import Problem, Text

if TYPE_CHECKING:
    from mappings.attachments import DeclaredFile

_SUGGESTION = Text(
    vi="Đính kèm lại đúng tệp tại nguồn rồi gửi lại hồ sơ",
    en="Attach the right file at the source, and send the dossier again",
)


class FileWrong(InputError):
    """A file is not what its record declares, or is not there; the dossier is rejected."""

    def __init__(self, problem: Problem, *, size: int | None = None) -> None:
        super().__init__(problem)
        self.size = size
        """Of one that is too large: how many bytes it has at least, where that is known."""


class FileAway(LienthongError):
    """A file cannot be had now, and perhaps later: the dossier waits, and it is tried again."""

    code = "attachment.away"

    def __init__(
        self, problem: Problem, *, wait: float | None = None, was_asked: bool = True
    ) -> None:
        super().__init__(problem.message, code=problem.code)
        self.problem = problem
        self.wait = wait
        """Seconds that a server asked us to wait, or that it is left alone."""
        self.was_asked = was_asked
        """False: its server is left alone, so nothing was found of the file."""


def wrong(code: str, declared: DeclaredFile, what: Text, *, size: int | None = None) -> FileWrong:
    """Return what rejects a dossier: `code` after "attachment.", `what` after the file's name."""
    return FileWrong(_problem(code, declared, what, _SUGGESTION), size=size)


def too_large(declared: DeclaredFile, *, limit: int, size: int) -> FileWrong:
    """Return what rejects a dossier for a file of at least `size` bytes."""
    text = Text(
        vi=f"dài hơn giới hạn {limit} byte của một tệp",
        en=f"is longer than the limit of {limit} bytes for one file",
    )
    return wrong("too_large", declared, text, size=size)


def away(
    code: str, declared: DeclaredFile, what: Text, *, remedy: Text, wait: float | None = None
) -> FileAway:
    """Return what makes a dossier wait."""
    return FileAway(_problem(code, declared, what, remedy), wait=wait)


def turned_away(declared: DeclaredFile, what: Text, *, remedy: Text, wait: float) -> FileAway:
    """Return what makes a dossier wait whose server is left alone: nobody was asked."""
    return FileAway(_problem("refused", declared, what, remedy), wait=wait, was_asked=False)


def _problem(code: str, declared: DeclaredFile, what: Text, suggestion: Text) -> Problem:
    name = f" «{declared.name}»" if declared.name else ""
    english = f" '{declared.name}'" if declared.name else ""
    return Problem(
        code=f"attachment.{code}",
        message=Text(
            vi=f"Tệp đính kèm số {declared.number}{name} {what.vi}",
            en=f"Attachment {declared.number}{english} {what.en}",
        ),
        place=declared.place,
        field=f"{KEY}[{declared.number}]",
        suggestion=suggestion,
    )
