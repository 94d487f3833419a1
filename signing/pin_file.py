"""
The file with a token's PIN, and the memory that a token has refused it.

A token locks itself after a few wrong PINs, often for good. So a PIN is tried by one process at a
time, and one that was refused is not tried again, by nobody, until its file is changed: a file
elsewhere, for folders of keys are best read-only, says which state of it was refused. Where that
cannot be written each process remembers by itself.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import ExitStack, contextmanager, suppress
from enum import Enum
from hashlib import sha256
from typing import TYPE_CHECKING

from signing.errors import KeyUnusable, Reason
from signing.keys import Passphrase

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_refused_here: dict[Path, str] = {}
"""What this process remembers."""


class Refusal(Enum):
    """What is known of a PIN file."""

    NONE = "none"
    THIS = "this"
    """The file as it is was refused."""
    OLDER = "older"
    """It was refused, and has changed since."""


class PinFile:
    """One PIN file."""

    def __init__(self, file: Path, *, memory: Path) -> None:
        """
        Prepare for one file.

        Args:
            file: Holds the PIN.
            memory: A folder that all processes of this installation may write, where it is
                remembered what was refused.
        """
        self.file = file
        name = sha256(os.fsencode(file.absolute())).hexdigest()[:16]
        self._mark = memory / f"pin-refused-{name}"

    def read(self) -> Passphrase:
        """
        Return the PIN.

        Raises:
            KeyUnusable: "key.pin_missing": there is no such file, or nothing in it.
        """
        try:
            pin = self.file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            cause = error.strerror if isinstance(error, OSError) else "UTF-8"
            raise self._missing(str(cause)) from error
        if not pin:
            raise self._missing("0 byte")
        return Passphrase(pin)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """
        Keep other processes from trying this PIN meanwhile.

        Raises:
            KeyUnusable: "key.pin_missing".
        """
        with ExitStack() as stack:
            try:
                stream = stack.enter_context(self.file.open("rb"))
            except OSError as error:
                raise self._missing(str(error.strerror)) from error
            fcntl.flock(stream, fcntl.LOCK_EX)
            yield

    def refusal(self) -> Refusal:
        """Return what is known of the file as it is now."""
        marks = {_refused_here.get(self.file), self._marked()} - {None}
        if not marks:
            return Refusal.NONE
        return Refusal.THIS if self._stamp() in marks else Refusal.OLDER

    def remember_refusal(self) -> None:
        """Remember that the token has refused the file as it is now."""
        _refused_here[self.file] = self._stamp()
        fresh = self._mark.with_name(f".{self._mark.name}.{os.getpid()}")
        with suppress(OSError):
            fresh.write_text(self._stamp(), encoding="ascii")
            # It may be another user's, who ran a command: a file can be replaced, not written.
            fresh.replace(self._mark)

    def forget_refusal(self) -> None:
        """Forget it: the PIN was accepted."""
        _refused_here.pop(self.file, None)
        with suppress(OSError):
            self._mark.unlink(missing_ok=True)

    def _marked(self) -> str | None:
        try:
            return self._mark.read_text(encoding="ascii")
        except (OSError, UnicodeDecodeError):
            return None

    def _stamp(self) -> str:
        # Not a digest of the PIN: four digits are soon found again.
        try:
            found = self.file.stat()
        except OSError:
            return "gone"
        return f"{found.st_ctime_ns} {found.st_ino} {found.st_size}"

    def _missing(self, cause: str) -> KeyUnusable:
        return KeyUnusable(
            Reason(
                code="key.pin_missing",
                vi=f"Không đọc được mã PIN của thiết bị giữ khóa trong {self.file} ({cause}): ghi "
                "mã PIN vào tệp đó, chỉ chủ tệp đọc được",
                en=f"The token's PIN cannot be read from {self.file} ({cause}): write it there, "
                "readable by its owner only",
            )
        )
