#!/usr/bin/env python3
"""
Write docs/evidence-vectors.tar.xz: evidence packs, right and tampered with, for other verifiers.

    python scripts/evidence_vectors.py docs/evidence-vectors.tar.xz

The keys are made anew each time and are thrown away; whoever makes it again gets other bytes.
"""

from __future__ import annotations

import io
import json
import logging
import sys
import tarfile
import tempfile
from pathlib import Path

import structlog

from lienthong.testing.evidence_vectors import make_vectors
from lienthong.testing.evidence_workshop import open_workshop
from signing import read_signer

README = """\
Evidence packs of Lienthong, to test verifiers with. The people in them are made up.

  expected.json   of each pack: what was done to it, the verdict, and the code of everything false
  root.pem        the root to trust, where with_root says so
  stamp-root.pem  the root of the time-stamp authority
  witness.jsonl   the seals of a witness, where with_witness says so
  packs/          the packs

operator: the SHA-256 of the operator's certificate, where it is to be named (--operator).
A verifier is right if verdict and codes are those of expected.json for each pack:

  python verify_evidence.py packs/NAME.asice --root root.pem \\
      --stamp-root stamp-root.pem --witness witness.jsonl --json

docs/evidence.md says what each code means.
"""


def main(target: Path) -> None:
    """Write the archive."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shop = open_workshop(folder)
        operator = read_signer(shop.operator.certificate).fingerprint
        vectors = list(make_vectors(shop))
        expected = [
            {
                "name": one.name,
                "about": one.about,
                "verdict": one.verdict,
                "codes": one.codes,
                "with_root": one.with_root,
                "with_witness": one.with_witness,
                "operator": operator if one.pins_operator else None,
            }
            for one in vectors
        ]
        files = {
            "README": README.encode(),
            "expected.json": json.dumps(expected, indent=1).encode() + b"\n",
            "root.pem": (folder / "keys" / "root.cert.pem").read_bytes(),
            "stamp-root.pem": shop.stamp_root,
            "witness.jsonl": shop.witness,
            **{f"packs/{one.name}.asice": one.pack for one in vectors},
        }
    with tarfile.open(target, "w:xz") as archive:
        for path, content in files.items():
            entry = tarfile.TarInfo(f"evidence-vectors/{path}")
            entry.size, entry.mode = len(content), 0o644
            archive.addfile(entry, io.BytesIO(content))


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    main(Path(sys.argv[1]))
