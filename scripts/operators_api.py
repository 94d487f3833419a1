#!/usr/bin/env python3
"""Write the description of the operators' HTTP API: python scripts/operators_api.py FILE."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from lienthong.api.app import make_app


def main() -> int:
    """Write it."""
    # Nothing is asked of the site while the routes are described.
    described = make_app(None, publisher=None).openapi()  # type: ignore[arg-type]
    text = json.dumps(described, ensure_ascii=False, indent=1) + "\n"
    Path(sys.argv[1]).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
