# What a contributor types. The environment (.venv) makes itself the first time, from python3.
#
#   make search ARGS='--budget 10m --seed 1'     make test ARGS='-k export'     make PYTHON=python3.12 test

PYTHON ?= python3
VENV   ?= .venv
ARGS   ?=
BIN    := $(VENV)/bin

# The stamp carries a checksum of what was installed from, so a changed requirement installs again.
STAMP  := $(VENV)/.installed-$(shell cat pyproject.toml constraints.txt | cksum | cut -d ' ' -f 1)

.DEFAULT_GOAL := help
.PHONY: help search test nightly mutants check format bench env clean

help:  ## this list
	@sed -n 's/^\([a-z]*\):.*  ## \(.*\)/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 16

search: $(STAMP)  ## run the default search to its end (ARGS='--budget 2m ...' for another)
	@$(BIN)/actsearch search $(ARGS)

test: check  ## ruff, mypy, and the tests (ARGS='-k export' for some of them)
	@$(BIN)/python -m pytest -n auto --maxprocesses 4 $(ARGS)

nightly: $(STAMP)  ## the tests that take long
	@$(BIN)/python -m pip install -qq --disable-pip-version-check -c constraints.txt -e '.[dev,fuzz]'
	@$(BIN)/python -m pytest -m nightly -n auto --maxprocesses 4 --dist worksteal $(ARGS)

mutants: $(STAMP)  ## change the parser, the store and the statistics, one place at a time: do the tests notice?
	@$(BIN)/python -m pip install -qq --disable-pip-version-check -c constraints.txt -e '.[dev,fuzz]'
	@CI=1 nice -n 15 $(BIN)/mutmut run --max-children 1 $(ARGS)
	@$(BIN)/mutmut results

check: $(STAMP)  ## ruff (lint and format) and mypy
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy

format: $(STAMP)  ## rewrite the code as ruff wants it
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

bench: $(STAMP)  ## the benchmarks; they print ratios and assert nothing
	@for file in benchmarks/[a-z]*.py; do name=$$(basename $$file .py); \
	  echo "== $$name"; $(BIN)/python -m benchmarks.$$name $(ARGS) || exit 1; done

env: $(STAMP)  ## only make the environment (.venv)
	@echo "make: $(VENV) is ready"

clean:  ## remove the environment, the caches and the built files; runs/ stays
	rm -rf $(VENV) build dist mutants .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(STAMP):
	@command -v $(PYTHON) > /dev/null || { \
	  echo "make: no $(PYTHON) here; install Python 3.11 or newer, or name one: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "make: actsearch needs Python 3.11 or newer, and $(PYTHON) is $$($(PYTHON) -V 2>&1); name another: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2> /dev/null || { \
	  echo "make: $(PYTHON) has no venv module (or no ensurepip); on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@echo "make: installing actsearch and what it needs into $(VENV); this takes some minutes, the first time only"
	@rm -f $(VENV)/.installed-*
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -qq --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $(STAMP)
