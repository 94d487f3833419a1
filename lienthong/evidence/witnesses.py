"""
Witnesses: places outside the database that remember the newest seal.

A seal that a witness has is what keeps the log from being cut off or set back to an old backup:
the log must still have that seal. So a witness is worth what separates it from the database: its
machine, its people. It needs no secrets, and learns nothing but numbers and digests.

    a folder       one file per day, seals-2026-03-02.jsonl, a line per seal, only ever appended;
                   and signers/{fingerprint}.pem
    an address     POST of a line to {url}/seals, which answers 409 when it has another seal of
                   that number; GET {url}/seals gives all lines.
                   `lienthong audit witness` serves a folder so
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import re
from base64 import b64decode, b64encode
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import urllib3

from lienthong.evidence.seals import SignedSeal
from schemas.errors import ConfigError, LienthongError
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LONGEST_LINE = 32 * 1024
"""Of a seal with the certificates of who signed it."""
_NUMBER = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)
_DIGEST = re.compile(r"[0-9a-fA-F]{64}")
_FINE = frozenset({HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.CONFLICT})


class WitnessAway(LienthongError):
    """The witness cannot be asked or told now; later helps, and nothing else waits for it."""

    code = "witness.away"

    def __init__(self, name: str, cause: str) -> None:
        super().__init__(
            Text(
                vi=f"Chưa ghi hoặc chưa đọc được nhân chứng niêm phong {name} ({cause}); "
                "sẽ thử lại",
                en=f"the witness {name} cannot be read or written now ({cause}); it is tried again",
            )
        )


class WitnessDisagrees(LienthongError):
    """The witness has another seal of that number: somebody set the log back or wrote it anew."""

    code = "witness.disagrees"

    def __init__(self, name: str, *, number: int) -> None:
        super().__init__(
            Text(
                vi=f"Nhân chứng {name} giữ một niêm phong số {number} khác với cơ sở dữ liệu: nhật "
                "ký đã bị đưa về bản cũ hoặc bị viết lại. Dừng, giữ nguyên hiện trạng, chạy: "
                "lienthong audit verify",
                en=f"the witness {name} has another seal number {number} than the database: the "
                "log was set back or written anew. Stop, keep everything as it is, run: "
                "lienthong audit verify",
            )
        )
        self.number = number


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """One seal, as far as somebody remembers it."""

    number: int
    digest: bytes


class Memory(Protocol):
    """One place that can be asked for the seals it knows."""

    @property
    def name(self) -> str:
        """As people know it."""

    def remembered(self) -> Iterator[Remembered]:
        """Give every seal it has, as they came. Raises `WitnessAway`."""


class Witness(Memory, Protocol):
    """One place that is told new seals."""

    def put(self, seal: SignedSeal, *, certificates: str) -> None:
        """
        Hand it a seal and the PEM of who signed it; one that it has already is no error.

        Raises:
            WitnessAway: it cannot be written.
            WitnessDisagrees: it has a seal of that number or a later one, and this is not among
                them.
        """


class FolderWitness:
    """A folder; several processes may append to it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def name(self) -> str:
        """The folder."""
        return str(self.folder)

    def last(self) -> SignedSeal | None:
        """Return the newest seal in it."""
        try:
            for file in reversed(self._files()):
                found = _read_last(file)
                if found is not None:
                    return found
        except OSError as error:
            raise WitnessAway(self.name, error.strerror or "I/O") from error
        return None

    def seals(self) -> Iterator[SignedSeal]:
        """Give every seal in it, file by file."""
        try:
            for file in self._files():
                yield from _read(file)
        except OSError as error:
            raise WitnessAway(self.name, error.strerror or "I/O") from error

    def put(self, seal: SignedSeal, *, certificates: str) -> None:
        """Append the seal and make it durable, if it is newer than the last one."""
        try:
            self.folder.mkdir(mode=0o755, parents=True, exist_ok=True)
            with _alone(self.folder):
                self._put(seal, certificates=certificates)
        except OSError as error:
            raise WitnessAway(self.name, error.strerror or "I/O") from error

    def _put(self, seal: SignedSeal, *, certificates: str) -> None:
        last = self.last()
        if last is not None and last.content.number >= seal.content.number:
            if any(one.digest == seal.digest for one in self.seals()):
                return
            raise WitnessDisagrees(self.name, number=seal.content.number)
        self._keep_signer(seal.signer, certificates)
        _append(self.folder / f"seals-{seal.content.at[:10]}.jsonl", write_line(seal))

    def remembered(self) -> Iterator[Remembered]:
        """Give every seal in it."""
        return map(_remember, self.seals())

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob("seals-*.jsonl"))

    def _keep_signer(self, fingerprint: str, certificates: str) -> None:
        if _DIGEST.fullmatch(fingerprint) is None:
            # It becomes the name of a file, and comes from a database.
            raise WitnessAway(self.name, "not a fingerprint")
        file = self.folder / "signers" / f"{fingerprint}.pem"
        if not file.exists():
            file.parent.mkdir(mode=0o755, exist_ok=True)
            file.write_text(certificates, encoding="ascii")


class HttpWitness:
    """A witness that is asked by HTTP, such as `lienthong audit witness` on another machine."""

    def __init__(self, url: str, *, token: str = "") -> None:
        self._url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        # A witness that hangs must not hold the sealer up; it is asked again in a few seconds.
        self._http = urllib3.PoolManager(
            timeout=urllib3.Timeout(connect=5, read=15), retries=False, maxsize=1
        )

    @property
    def name(self) -> str:
        """The address."""
        return self._url

    def remembered(self) -> Iterator[Remembered]:
        """Give every seal it has."""
        with self._ask("GET", "/seals") as answer:
            try:
                for line in _lines_of(answer):
                    yield _remember(self._read(line))
            except urllib3.exceptions.HTTPError as error:
                raise WitnessAway(self.name, type(error).__name__) from error

    def put(self, seal: SignedSeal, *, certificates: str) -> None:
        """Hand it the seal; one that it has already is no error."""
        line = write_line(seal, certificates=certificates)
        with self._ask("POST", "/seals", body=line) as answer:
            if answer.status == HTTPStatus.CONFLICT:
                raise WitnessDisagrees(self.name, number=seal.content.number)

    @contextmanager
    def _ask(
        self, method: str, path: str, *, body: str | None = None
    ) -> Iterator[urllib3.BaseHTTPResponse]:
        headers = self._headers | ({"Content-Type": "application/json"} if body else {})
        try:
            answer = self._http.request(
                method, self._url + path, body=body, headers=headers, preload_content=False
            )
        except urllib3.exceptions.HTTPError as error:
            raise WitnessAway(self.name, type(error).__name__) from error
        try:
            if answer.status not in _FINE:
                raise WitnessAway(self.name, f"HTTP {answer.status}")
            yield answer
        finally:
            # Not given back: what it has not told yet is not read on.
            answer.close()

    def _read(self, line: str) -> SignedSeal:
        try:
            return read_line(line)
        except ValueError as error:
            raise WitnessAway(self.name, "not a seal") from error


class PrintedWitness:
    """What stands on pages that were printed: typed in by whoever took them out of the safe."""

    name = "giấy / paper"

    def __init__(self, remembered: Sequence[Remembered]) -> None:
        self._remembered = remembered

    @classmethod
    def read(cls, texts: Sequence[str]) -> PrintedWitness:
        """
        Read "number:digest" texts; blanks and small or capital letters do not matter.

        Raises:
            ConfigError: one of them is none.
        """
        return cls([_read_printed(text) for text in texts])

    def remembered(self) -> Iterator[Remembered]:
        """Give what was typed in."""
        return iter(self._remembered)


def _read_printed(text: str) -> Remembered:
    number, _, digest = "".join(text.split()).partition(":")
    if _NUMBER.fullmatch(number) and _DIGEST.fullmatch(digest):
        return Remembered(number=int(number), digest=bytes.fromhex(digest))
    raise ConfigError(
        Text(
            vi=f"«{text[:80]}» không phải số niêm phong và giá trị băm: cần số, dấu hai chấm, "
            "64 chữ số thập lục phân như trên trang in",
            en=f"'{text[:80]}' is not the number and digest of a seal: expected a number, a "
            "colon and 64 hexadecimal digits, as on the printed page",
        ),
        code="witness.printed_wrong",
    )


def open_witness(where: str, *, token: str = "") -> Witness:
    """Return the witness at a folder or an address."""
    if where.startswith(("http://", "https://")):
        return HttpWitness(where, token=token)
    return FolderWitness(Path(where))


def write_line(seal: SignedSeal, *, certificates: str | None = None) -> str:
    """Return a seal as one line of JSON, with the PEM of who signed it where it is given."""
    values = {
        **({} if certificates is None else {"certificates": certificates}),
        "body": seal.body,
        "signature": b64encode(seal.signature).decode(),
        "signer": seal.signer,
    }
    return json.dumps(values, separators=(",", ":")) + "\n"


def read_line(line: str) -> SignedSeal:
    """
    Read what `write_line` wrote.

    Raises:
        ValueError: it is no seal.
    """
    try:
        values = json.loads(line)
        seal = SignedSeal(
            body=values["body"],
            signature=b64decode(values["signature"], validate=True),
            signer=values["signer"],
        )
        seal.content  # noqa: B018 - read now, so that what is handed on is a seal
        is_named = _DIGEST.fullmatch(seal.signer) is not None
    except (TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError("not a seal") from error
    # It becomes the name of a file.
    if not is_named:
        raise ValueError("not a seal")
    return seal


def read_certificates(line: str) -> str:
    """Return the certificates in a line that names them; empty if it does not."""
    values = json.loads(line)
    found = values.get("certificates", "")
    return found if isinstance(found, str) else ""


def _read(file: Path) -> Iterator[SignedSeal]:
    with file.open(encoding="ascii", errors="replace") as lines:
        while line := lines.readline(LONGEST_LINE):
            # A line without its end is one that is being written, or broke off in a crash.
            if not line.endswith("\n"):
                continue
            try:
                yield read_line(line)
            except ValueError:
                continue


def _lines_of(answer: urllib3.BaseHTTPResponse) -> Iterator[str]:
    rest = b""
    for part in answer.stream(LONGEST_LINE):
        *lines, rest = (rest + part).split(b"\n")
        yield from (line.decode("ascii", "replace") for line in lines)
        # What has no line ends is no witness.
        if len(rest) > LONGEST_LINE:
            break
    if rest:
        yield rest.decode("ascii", "replace")


def _remember(seal: SignedSeal) -> Remembered:
    return Remembered(number=seal.content.number, digest=seal.digest)


def _read_last(file: Path) -> SignedSeal | None:
    with file.open("rb") as lines:
        # The last two lines are in there, whatever they are.
        lines.seek(-min(2 * LONGEST_LINE, lines.seek(0, os.SEEK_END)), os.SEEK_END)
        for line in reversed(lines.read().decode("ascii", "replace").splitlines(keepends=True)):
            if line.endswith("\n"):
                with suppress(ValueError):
                    return read_line(line)
    return None


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep others from appending between a look and a line of ours."""
    lock = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _append(file: Path, line: str) -> None:
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        size = os.fstat(descriptor).st_size
        is_torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
        data = (("\n" if is_torn else "") + line).encode("ascii")
        if os.write(descriptor, data) != len(data):
            # A disk that is nearly full takes a part, and says nothing.
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    if size == 0:
        folder = os.open(file.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
