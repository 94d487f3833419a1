"""
Leaving a file server alone that refuses whatever it is asked: its settings are wrong, or ours.

What it refuses once may be about one address; several refusals in a row, with nothing given in
between, are about the server. It is then asked again now and then, for one file at a time. That is
judged for each agency by itself: whose addresses are refused keeps nobody else's files back.
"""

from __future__ import annotations

from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING

from lienthong.attachments.words import FileAway, FileWrong, turned_away
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mappings.attachments import DeclaredFile

IN_A_ROW = 5
REST_SECONDS = 60.0
_OF_THE_SERVER = frozenset(
    f"attachment.{code}" for code in ("refused", "redirected", "tls", "encoded", "private_address")
)


class Rest:
    """Whether one server is left alone with one agency's files. Thread-safe."""

    def __init__(self, name: str, *, rate: float, steady: Callable[[], float]) -> None:
        """
        Begin.

        Args:
            name: The server's, in the settings.
            rate: How many files it is asked for in a second.
            steady: Tells seconds of a steady clock.
        """
        self._name = name
        self._pause = 1 / rate
        self._steady = steady
        self._lock = Lock()
        self._refused = 0
        self._until = steady()
        self._next = self._until

    @contextmanager
    def asking(self, declared: DeclaredFile) -> Iterator[None]:
        """
        Let it be asked for one file, and learn from what comes of it.

        Raises:
            FileAway: it is left alone, and was not asked.
        """
        self._begin(declared)
        try:
            yield
        except FileAway as error:
            if error.problem.code in _OF_THE_SERVER:
                self._note_refused()
            raise
        except FileWrong:
            self._note_given()
            raise
        self._note_given()

    def _begin(self, declared: DeclaredFile) -> None:
        with self._lock:
            now = self._steady()
            if self._refused < IN_A_ROW:
                return
            if self._until <= now:
                # Whoever comes now asks for all.
                self._until = now + REST_SECONDS
                return
            # One after the other: thousands that come in one moment would only be turned away.
            comes_at = max(self._next, self._until)
            self._next = comes_at + self._pause
        text = Text(
            vi=f"chưa lấy được: máy chủ tệp «{self._name}» từ chối nhiều lần liền, nên tạm để yên",
            en=f"cannot be had now: the file server '{self._name}' refused several times in a row "
            "and is left alone for a while",
        )
        raise turned_away(declared, text, remedy=_OPERATOR, wait=comes_at - now)

    def _note_refused(self) -> None:
        with self._lock:
            self._refused += 1
            if self._refused >= IN_A_ROW:
                self._until = self._steady() + REST_SECONDS

    def _note_given(self) -> None:
        with self._lock:
            self._refused = 0
            self._next = self._steady()


_OPERATOR = Text(
    vi="Người vận hành kiểm tra [attachments.servers] và máy chủ tệp; hệ thống tự thử lại",
    en="The operator checks [attachments.servers] and the file server; it is tried again by itself",
)
