"""
Writing ASiC-E containers: one ZIP file whose every content is signed by the operator's key.

`mimetype` comes first and is stored as it is; then the files in the order in which they are added,
then `META-INF/manifest.xml` (OpenDocument's list, which other readers want) and the signature. The
same files give the same bytes up to the signature: no times of this machine, no attributes.
"""

from __future__ import annotations

from contextlib import contextmanager
from hashlib import sha256
from typing import TYPE_CHECKING
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from signing import CONTAINER_TYPE, SIGNATURES, ContainedFile, sign_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from typing import IO

    from signing import SigningKey

MEDIA_TYPES = {
    "xml": "text/xml",
    "json": "application/json",
    "jsonl": "application/jsonl",
    "html": "text/html",
    "pem": "application/x-pem-file",
    "der": "application/pkix-cert",
    "tsr": "application/timestamp-reply",
    "crl": "application/pkix-crl",
    "ocsp": "application/ocsp-response",
    "py": "text/x-python",
}
UNKNOWN = "application/octet-stream"
_FIRST_DAY = (1980, 1, 1, 0, 0, 0)
_ODF = "urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"


class Container:
    """A container that is being written; files are added one after the other."""

    def __init__(self, target: IO[bytes]) -> None:
        """Begin; `target` must be seekable, and is not closed."""
        self._zip = ZipFile(target, "w", ZIP_DEFLATED)
        self._zip.writestr(_entry("mimetype", ZIP_STORED), CONTAINER_TYPE)
        self.files: list[ContainedFile] = []
        """What was added so far."""

    def add(self, name: str, content: bytes) -> ContainedFile:
        """Add a file whose content is in memory."""
        with self.adding(name) as write:
            write(content)
        return self.files[-1]

    @contextmanager
    def adding(self, name: str) -> Iterator[Callable[[bytes], object]]:
        """Add a file piece by piece, by calling what is given with each piece."""
        digest = sha256()
        size = 0
        with self._zip.open(_entry(name, ZIP_DEFLATED), "w") as target:

            def write(piece: bytes) -> None:
                nonlocal size
                digest.update(piece)
                size += len(piece)
                target.write(piece)

            yield write
        self.files.append(
            ContainedFile(
                name=name, media_type=media_type_of(name), sha256=digest.digest(), size=size
            )
        )

    def finish(self, *, key: SigningKey, at: datetime) -> None:
        """
        Sign everything that was added, and end the file.

        Raises:
            signing.KeyUnusable: the key cannot sign now.
        """
        signature = sign_files(self.files, key=key, signed_at=at)
        self._zip.writestr(
            _entry("META-INF/manifest.xml", ZIP_DEFLATED),
            write_odf_manifest([(one.name, one.media_type) for one in self.files]),
        )
        self._zip.writestr(_entry(SIGNATURES, ZIP_DEFLATED), signature)
        self._zip.close()


def media_type_of(name: str) -> str:
    """Return the type of a file by the end of its name."""
    return MEDIA_TYPES.get(name.rpartition(".")[2], UNKNOWN)


def write_odf_manifest(files: list[tuple[str, str]]) -> bytes:
    """Return META-INF/manifest.xml for files, each with its type."""
    entries = "".join(
        f'<manifest:file-entry manifest:full-path="{name}" manifest:media-type="{kind}"/>'
        for name, kind in [("/", CONTAINER_TYPE), *files]
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<manifest:manifest xmlns:manifest="{_ODF}" '
        f'manifest:version="1.2">{entries}</manifest:manifest>\n'
    ).encode()


def _entry(name: str, method: int) -> ZipInfo:
    entry = ZipInfo(name, _FIRST_DAY)
    entry.compress_type = method
    entry.create_system = 3
    entry.external_attr = 0o644 << 16
    return entry
