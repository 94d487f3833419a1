"""
Write the signature of an ASiC-E container: XAdES baseline B over every file in it.

One `ds:Signature` in `META-INF/signatures.xml`, with a reference to each file by its name and no
transforms, so that what is digested are the files' own bytes.

Sources: ETSI EN 319 162-1 clause 4.4.3.2 (ASiC-E with XAdES), EN 319 132-1 (SigningTime,
SigningCertificateV2, a DataObjectFormat for each signed file).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING

from signing.composing import Composer, Content
from signing.profile import Hash
from signing.values import algorithm_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from signing.keys import SigningKey

ASIC = "http://uri.etsi.org/02918/v1.2.1#"
CONTAINER_TYPE = "application/vnd.etsi.asic-e+zip"
SIGNATURES = "META-INF/signatures.xml"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*", re.ASCII)
_TYPE = re.compile(r"[a-z0-9.+-]+/[a-z0-9.+-]+", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainedFile:
    """One file of a container."""

    name: str
    """With letters, digits, dots, hyphens and slashes: a URI as it is."""
    media_type: str
    sha256: bytes
    size: int
    """Bytes."""


def sign_files(files: Sequence[ContainedFile], *, key: SigningKey, signed_at: datetime) -> bytes:
    """
    Return the content of `META-INF/signatures.xml` for a container of these files.

    Args:
        files: Every one but `mimetype` and those below META-INF, which nothing refers to.
        key: Signs.
        signed_at: Aware; written in UTC, to the second.

    Raises:
        ValueError: a name or type cannot stand in a container of ours.
        KeyUnusable: the certificate is not valid at `signed_at`.
    """
    for file in files:
        if not _NAME.fullmatch(file.name) or not _TYPE.fullmatch(file.media_type):
            raise ValueError(f"cannot stand in a container: {file.name!r} ({file.media_type!r})")
    moment = signed_at.astimezone(UTC).replace(microsecond=0)
    key.check_usable_at(moment)
    composer = Composer(key, algorithm=algorithm_of(key), digest=Hash.SHA256)
    contents = [
        Content(digest=one.sha256, uri=one.name, media_type=one.media_type, is_inside=False)
        for one in files
    ]
    signature = composer.xades(contents, identifier="files", moment=moment)
    return f'<asic:XAdESSignatures xmlns:asic="{ASIC}">{signature}</asic:XAdESSignatures>'.encode()
