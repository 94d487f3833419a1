"""What the files of one dossier are together, and what is said when that is more than it may be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lienthong.attachments.words import too_large
from schemas.problem import Problem, Text

if TYPE_CHECKING:
    from lienthong.attachments.words import FileWrong
    from mappings.attachments import DeclaredFile

GIB = 1024**3
TOO_MUCH = "attachment.too_much"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileLimits:
    """How large the files of one dossier may be, in bytes."""

    file_bytes: int = 4 * GIB
    dossier_bytes: int = 8 * GIB


class FileSum:
    """Counts the files of one dossier, one after the other."""

    def __init__(self, limits: FileLimits) -> None:
        self._limits = limits
        self._total = 0
        self._largest: tuple[int, DeclaredFile] | None = None

    @property
    def room(self) -> int:
        """How many bytes the next file may have."""
        return max(min(self._limits.file_bytes, self._limits.dossier_bytes - self._total), 0)

    def add(self, declared: DeclaredFile, size: int | None) -> None:
        """Count one file; None: nobody knows how large it is."""
        self._total += size or 0
        if size and (self._largest is None or size > self._largest[0]):
            self._largest = (size, declared)

    def find_too_much(self) -> Problem | None:
        """Return what is to be said if what was counted is more than it may be."""
        if self._largest is None or self._total <= self._limits.dossier_bytes:
            return None
        return _too_much(self._total, self._limits.dossier_bytes, *self._largest)

    def judge(self, error: FileWrong, declared: DeclaredFile) -> Problem:
        """Return what is wrong with a file: where `room` refused it, whether it or all of them."""
        if error.size is None:
            return error.problem
        if error.size > self._limits.file_bytes:
            return too_large(declared, limit=self._limits.file_bytes, size=error.size).problem
        self.add(declared, error.size)
        return self.find_too_much() or error.problem


def _too_much(total: int, limit: int, size: int, largest: DeclaredFile) -> Problem:
    number = largest.number
    name = Text(vi=f" «{largest.name}»", en=f" '{largest.name}'") if largest.name else Text("", "")
    return Problem(
        code=TOO_MUCH,
        message=Text(
            vi=f"Các tệp đính kèm của hồ sơ có ít nhất {total} byte, giới hạn {limit}; tệp lớn "
            f"nhất: số {number}{name.vi}, {size} byte",
            en=f"The attachments of the dossier have at least {total} bytes, the limit is {limit}; "
            f"the largest is {number}{name.en} with {size} bytes",
        ),
        place=largest.place,
        field="attachments",
        suggestion=Text(
            vi="Giảm dung lượng tệp, hoặc báo người vận hành tăng max_dossier_bytes",
            en="Make the files smaller, or have the operator raise max_dossier_bytes",
        ),
    )
