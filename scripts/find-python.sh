#!/usr/bin/env bash
# Prints the first Python that is new enough, or nothing and exits 1.
set -euo pipefail

for candidate in python3.11 python3.12 python3.13 python3; do
    # Running it is the only proof: version managers put names on the path that start nothing.
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
        command -v "$candidate"
        exit 0
    fi
done
exit 1
