"""Where the files of an agency come from: the server that covers each, at its pace."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import BoundedSemaphore, Lock
from time import monotonic, sleep
from typing import TYPE_CHECKING

from lienthong.attachments.addresses import AddressWrong, read_root
from lienthong.attachments.beside import FolderFiles
from lienthong.attachments.http import HttpFiles
from lienthong.attachments.resting import Rest
from lienthong.attachments.words import away, wrong
from lienthong.bucket import Bucket
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from lienthong.attachments.addresses import Root
    from lienthong.attachments.packed import PackedFiles
    from lienthong.attachments.profile import FileServer
    from mappings.attachments import DeclaredFile


@dataclass(slots=True)
class _Pace:
    """How many files of one server are fetched at once and begun in a second."""

    at_once: BoundedSemaphore
    bucket: Bucket
    lock: Lock = field(default_factory=Lock)

    @contextmanager
    def turn(self) -> Iterator[None]:
        with self.at_once:
            with self.lock:
                # Any steady clock does: only differences count.
                now = datetime.fromtimestamp(monotonic(), UTC)
                begins = self.bucket.next_at(now)
                self.bucket = self.bucket.take(1, now=now)
            sleep(max((begins - now).total_seconds(), 0))
            yield


@dataclass(frozen=True, slots=True, kw_only=True)
class _Server:
    name: str
    profile: FileServer
    files: HttpFiles | FolderFiles
    pace: _Pace
    rests: Mapping[str, Rest]
    """By agency, of those that are set; none for a folder."""


class FileSources:
    """
    Every server that files are fetched from. Thread-safe.

    Raises:
        ConfigError: a certificate or key cannot be used.
    """

    def __init__(
        self, servers: Mapping[str, FileServer], *, steady: Callable[[], float] = monotonic
    ) -> None:
        """Prepare; `steady` tells seconds, by which a server is left alone."""
        self._servers = [_make(name, profile, steady) for name, profile in servers.items()]

    @contextmanager
    def open(
        self,
        declared: DeclaredFile,
        *,
        agency: str,
        limit: int,
        archive: PackedFiles | None = None,
    ) -> Iterator[Iterator[bytes]]:
        """
        Give the bytes of one file, part by part; waits for its server's turn.

        `archive` has the files beside, where the submission is a ZIP.

        Raises:
            FileWrong, FileAway: see `http` and `beside`; also where no server is allowed.
        """
        if declared.way == "file" and archive is not None:
            with archive.open(declared, limit=limit) as parts:
                yield parts
            return
        if declared.way == "file":
            server = self._beside(declared, agency)
            assert isinstance(server.files, FolderFiles)
            with server.pace.turn(), server.files.open(declared, limit=limit) as parts:
                yield parts
            return
        server, root = self._covering(declared, agency)
        assert isinstance(server.files, HttpFiles)
        with (
            server.rests[agency].asking(declared),
            server.pace.turn(),
            server.files.open(root, declared, limit=limit) as parts,
        ):
            yield parts

    def patience(self, declared: DeclaredFile, *, agency: str) -> float:
        """Return how many seconds a file that is not there is waited for."""
        is_beside = declared.way == "file"
        return max(
            (
                one.profile.missing_after_seconds
                for one in self._of(agency, is_folder=is_beside)
                if is_beside or _covers(one, declared)
            ),
            default=0,
        )

    def unreadable_folders(self) -> list[tuple[str, str]]:
        """Return the names of folders that cannot be read now, and why."""
        found = []
        for one in self._servers:
            if isinstance(one.files, FolderFiles) and one.profile.folder is not None:
                try:
                    next(one.profile.folder.iterdir(), None)
                except OSError as error:
                    found.append((one.name, error.strerror or type(error).__name__))
        return found

    def _of(self, agency: str, *, is_folder: bool) -> list[_Server]:
        return [
            one
            for one in self._servers
            if agency in one.profile.agencies and isinstance(one.files, FolderFiles) == is_folder
        ]

    def _beside(self, declared: DeclaredFile, agency: str) -> _Server:
        folders = self._of(agency, is_folder=True)
        if not folders:
            raise away("no_server", declared, _NO_FOLDER, remedy=_CONFIGURE)
        return folders[0]

    def _covering(self, declared: DeclaredFile, agency: str) -> tuple[_Server, Root]:
        try:
            root = read_root(declared.source)
        except AddressWrong:
            raise wrong("address", declared, _NO_ADDRESS) from None
        servers = self._of(agency, is_folder=False)
        if not servers:
            raise away("no_server", declared, _NO_SERVER, remedy=_CONFIGURE)
        covering = [one for one in servers if one.profile.root.covers(root)]
        if not covering:
            raise wrong("not_allowed", declared, _NOT_ALLOWED)
        return max(covering, key=lambda one: len(one.profile.root.path)), root


def _covers(server: _Server, declared: DeclaredFile) -> bool:
    try:
        return server.profile.root.covers(read_root(declared.source))
    except AddressWrong:
        return False


def _make(name: str, profile: FileServer, steady: Callable[[], float]) -> _Server:
    folder = profile.folder
    return _Server(
        name=name,
        profile=profile,
        files=HttpFiles(name, profile) if folder is None else FolderFiles(name, folder),
        pace=_Pace(
            BoundedSemaphore(profile.connections),
            Bucket(rate=profile.rate, burst=max(int(profile.rate), 1)),
        ),
        rests={}
        if folder is not None
        else {one: Rest(name, rate=profile.rate, steady=steady) for one in profile.agencies},
    )


_NO_ADDRESS = Text(
    vi="không có địa chỉ https hợp lệ để lấy", en="has no https address that can be meant"
)
_NOT_ALLOWED = Text(
    vi="ở một máy chủ mà hệ thống không được phép lấy tệp cho cơ quan này",
    en="is at a server that files of this agency may not be fetched from",
)
_NO_SERVER = Text(
    vi="chưa lấy được: chưa khai báo máy chủ tệp nào cho cơ quan này",
    en="cannot be fetched: no file server is set for this agency",
)
_NO_FOLDER = Text(
    vi="chưa lấy được: chưa khai báo thư mục tệp nào cho cơ quan này",
    en="cannot be read: no folder of files is set for this agency",
)
_CONFIGURE = Text(
    vi="Người vận hành khai báo [attachments.servers.TÊN] trong lienthong.toml; hệ thống tự thử "
    "lại",
    en="The operator sets [attachments.servers.NAME] in lienthong.toml; it is tried again by "
    "itself",
)
