#!/usr/bin/env bash
# Makes .venv with exactly the packages of requirements/dev.lock, and the working tree in it.
#
# One environment for running and for developing: dev.lock is made with runtime.lock as its
# constraint, so both run the same versions, and the editable install needs the build backend,
# which only dev.lock has. An installation elsewhere takes runtime.lock and the wheel.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/install-system.sh python
if ! python=$(scripts/find-python.sh); then
    echo "No Python 3.11 or newer was found (python3.11, python3.12, python3.13, python3)." >&2
    echo "Install one, for example on Debian 12: apt-get install python3 python3-venv" >&2
    exit 3
fi
if ! .venv/bin/python -c '' 2>/dev/null; then
    "$python" -m venv --clear .venv
fi
.venv/bin/python -m pip install --quiet --disable-pip-version-check \
    --require-hashes -r requirements/dev.lock
.venv/bin/python -m pip install --quiet --disable-pip-version-check \
    --no-deps --no-build-isolation -e .
