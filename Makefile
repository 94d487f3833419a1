# Everything a developer runs. `make` alone lists it.

SHELL := /bin/bash
PYTHON := .venv/bin/python
PYTEST := $(PYTHON) -m pytest -q
PACKAGES := adapters broker lienthong mappings schemas signing
STAMP := .venv/.made-from-lock

# One target after the other: steps print their names, and the machine is small.
.NOTPARALLEL:
# Where a container switches this off, each of a thousand runs of the command compiles everything anew.
unexport PYTHONDONTWRITEBYTECODE
.PHONY: help env demo test lint types architecture unit slow packaging bench lock clean

help: ## list these targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

env: $(STAMP) ## make .venv with the locked packages

$(STAMP): requirements/dev.lock scripts/make-env.sh
	@echo "== environment"
	@scripts/make-env.sh
	@touch $@

demo: env ## show the whole job on this machine, with a portal of its own
	@.venv/bin/lienthong demo

.PHONY: demo-rabbitmq
demo-rabbitmq: system env ## the same on a private RabbitMQ and PostgreSQL
	@.venv/bin/lienthong demo --broker rabbitmq

test: export LIENTHONG_REQUIRE_SERVERS = 1
test: system env lint types architecture unit slow packaging ## everything: what must pass before a change lands
	@echo "== all passed"

.PHONY: system
system:
	@echo "== system packages"
	@scripts/install-system.sh tests

lint: env ## style and format
	@echo "== ruff check"
	@.venv/bin/ruff check .
	@echo "== ruff format"
	@.venv/bin/ruff format --check .

types: env ## mypy, strict
	@echo "== mypy"
	@.venv/bin/mypy

architecture: env ## which package may import which
	@echo "== import-linter"
	@.venv/bin/lint-imports --no-logo

unit: env ## unit tests, and one suite per port on every implementation
	@echo "== unit and contract tests"
	@$(PYTEST) -n 3 --dist worksteal tests/unit tests/contract

# A file at a time: tests of one share what they set up; three, since they wait for other programs
# half of the time. The faults go by themselves: they would take the time that servers need.
slow: env ## the tests with other programs and whole runs
	@echo "== integration and end-to-end tests"
	@$(PYTEST) -n 3 --dist loadfile --no-loadscope-reorder tests/integration tests/e2e
	@echo "== faults"
	@$(PYTEST) -n 3 --dist worksteal tests/chaos

packaging: env ## build the wheel, install it alone, use it
	@echo "== packaging tests"
	@$(PYTEST) tests/packaging

SEED := 1
MESSAGES := 200000
CHAPTER :=

.PHONY: crash-matrix-short
crash-matrix-short: system env ## its short form, about eight minutes
	@LIENTHONG_REQUIRE_SERVERS=1 $(PYTEST) tests/chaos/test_matrix.py

.PHONY: crash-matrix
crash-matrix: system env ## every fault at every step boundary; long (SEED=1 MESSAGES=200000 CHAPTER=)
	@$(PYTHON) -m lienthong.testing.chaos --seed $(SEED) --messages $(MESSAGES) --out docs/crash-matrix \
		$(if $(CHAPTER),--chapter $(CHAPTER))

bench: env ## measure each stage against its bare primitive
	@.venv/bin/lienthong bench

N := 5000000

.PHONY: bench-search
bench-search: system env ## wait in front of a full store: first page and searches (N=5000000)
	@mkdir -p build
	@.venv/bin/python scripts/search_figures.py --messages $(N) --json build/search.json

COMPILE := .venv/bin/pip-compile --quiet --generate-hashes --strip-extras --allow-unsafe \
	--no-emit-index-url --no-emit-find-links --no-header

lock: env ## renew requirements/*.lock from pyproject.toml
	@.venv/bin/pip-compile --version >/dev/null 2>&1 || $(PYTHON) -m pip install --quiet 'pip-tools>=7.5'
	@$(COMPILE) -o requirements/runtime.lock pyproject.toml
	@$(COMPILE) -c requirements/runtime.lock --extra dev -o requirements/dev.lock pyproject.toml

clean: ## remove what can be made again, .venv too
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
