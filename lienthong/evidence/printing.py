"""The newest seal on paper: a witness that needs no machine, and that nobody can reach by wire."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lienthong.pages import PageFile, render_page
from signing import load_certificates, read_signer

if TYPE_CHECKING:
    from pathlib import Path

    from lienthong.evidence.seals import SignedSeal


def write_seal_page(file: Path, seal: SignedSeal, *, certificates: str) -> None:
    """
    Write the page.

    Raises:
        ConfigError: the file cannot be written.
    """
    signer = read_signer(load_certificates(certificates.encode())[0])
    digest = seal.digest.hex()
    with PageFile(file) as page:
        page.write(
            render_page(
                "seal.html",
                seal=seal.content,
                digest=[digest[at : at + 8] for at in range(0, len(digest), 8)],
                signer=signer,
            )
        )
