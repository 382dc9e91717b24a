# `make` alone lists the targets. `make hub` and `make test` need Python 3.11+ and nothing else.

PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
BIN := .venv/bin
INSTALLED := .venv/.installed
TOOLS := .venv/.tools-installed
COVERED := arclog projections relay
DELIVERED := arclog projections relay api cli arc
PARALLEL ?= --numprocesses 2

.DEFAULT_GOAL := help
.PHONY: help hub test pythons test-all check lint types imports coverage fmt bench screenshots soak release

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

hub: $(INSTALLED) ## start a hub here, unless one runs, and print its URL (options: make hub ARGS="--port 7000")
	@$(BIN)/arc ensure $(ARGS)

test: $(TOOLS) ## run the tests (some of them: make test ARGS=tests/unit)
	@$(BIN)/pytest -q $(PARALLEL) $(ARGS)

test-all: $(TOOLS) ## the tests, and those that need another world: a browser, other systems, other programs
	@$(BIN)/pytest -q $(PARALLEL) -m "not soak" $(ARGS)

pythons: $(TOOLS) ## the tests with every other supported Python that is installed here
	@for python in python3.11 python3.12 python3.13 python3.14; do \
		$$python -c '' 2>/dev/null || continue; \
		test "$$($$python --version)" != "$$($(BIN)/python --version)" || continue; \
		echo "$$python:"; \
		.venv/$$python/bin/python -c '' 2>/dev/null || $$python -m venv .venv/$$python; \
		.venv/$$python/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]' || exit 1; \
		.venv/$$python/bin/pytest -q $(PARALLEL) $(ARGS) || exit 1; \
	done

check: lint types imports coverage ## everything that must be true of a change: lint, types, imports, tests, coverage

lint: $(TOOLS) ## ruff: rules and format
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(TOOLS) ## mypy, strict; what is delivered also as Windows and macOS have it
	@$(BIN)/mypy
	@$(BIN)/mypy --platform win32 $(DELIVERED)
	@$(BIN)/mypy --platform darwin $(DELIVERED)

imports: $(TOOLS) ## imports point down: cli > api | relay > projections > arclog, and the client stands apart
	@$(BIN)/lint-imports

coverage: $(TOOLS) ## the tests, with branch coverage of at least 95 % for the log, the projections and the relay
	@$(BIN)/pytest -q $(PARALLEL) --cov --cov-report= $(ARGS)
	@for package in $(COVERED); do \
		echo "branch coverage of $$package, at least 95 %:"; \
		$(BIN)/coverage report --include="$$package/*" --fail-under=95 || exit 1; \
	done

fmt: $(TOOLS) ## format the code, sort the imports
	@$(BIN)/ruff check --quiet --fix-only .
	@$(BIN)/ruff format .

bench: $(TOOLS) ## measure, beside Arc 0.1.1 where it can be had (some of it: make bench ONLY=posts,reads)
	@$(BIN)/python -m tests.benchmarks --only "$(ONLY)" $(ARGS)

screenshots: $(TOOLS) ## pictures of the dashboard's main states, into build/pictures
	@$(BIN)/python -m tests.browser.screenshots $(ARGS)

release: $(TOOLS) ## build what is published into dist/, and try each package where nothing else is
	@.ci/release

soak: $(TOOLS) ## the long reliability runs
	@$(BIN)/pytest -q -s --timeout=0 -m soak $(ARGS)

# The environment is made again when pyproject.toml changes; without a change it needs no network.
$(INSTALLED): pyproject.toml
	@test -z "$(PYTHON)" || $(PYTHON) -c '' 2>/dev/null || { echo "$(PYTHON) is not a Python that runs: name another with make PYTHON=/path/to/python" >&2; exit 1; }
	@test -z "$(PYTHON)" || $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is older than Python 3.11: name another with make PYTHON=/path/to/python" >&2; exit 1; }
	@test -n "$(PYTHON)" || { echo "Arc needs Python 3.11 or newer: install it, or name it: make PYTHON=/path/to/python" >&2; exit 1; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv || { rm -rf .venv; \
		echo "This Python cannot make a virtual environment (Debian, Ubuntu: apt-get install python3-venv)" >&2; exit 1; }
	@echo "installing into .venv ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

# What a contributor needs beyond what a user needs.
$(TOOLS): $(INSTALLED)
	@echo "installing the tools into .venv ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@
