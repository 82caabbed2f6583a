# Nothing but Python 3.11 or newer is needed: every target makes ./.venv and installs what it lacks.
# A second call installs nothing: stamps in ./.venv say what is there.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
PACKAGES := humangenai refsd annotator_ui leaderboards

# make test CI=1: a test that is skipped because a part is missing fails (tests/conftest.py).
ifeq ($(CI),1)
export HUMANGENAI_NO_SKIPS := 1
endif

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install eval test lint bench leaderboard clean constraints

help: ## say what the targets do
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 14

install: $(VENV)/.installed ## set up ./.venv with the versions of constraints.txt

eval: $(VENV)/.installed ## run the embedded benchmark: refsd[tiny] and all baselines
	$(BIN)/humangenai eval --method refsd --out runs/eval

test: $(VENV)/.installed-dev ## lint, type check, all tests
	@sh scripts/system_parts.sh
	@$(MAKE) --no-print-directory lint
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile --durations=15

lint: $(VENV)/.installed-dev ## ruff and mypy only
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.installed ## measure on crowd at full size: the figures in docs
	$(BIN)/humangenai eval --benchmark crowd-full --out runs/crowd-full
	$(BIN)/python benchmarks/poses.py

leaderboard: $(VENV)/.installed ## build the leaderboard's pages from leaderboards/
	$(BIN)/humangenai leaderboard build --out build/leaderboard

clean: ## remove ./.venv, caches and built files; runs/ stays
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find $(PACKAGES) tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo 'Python 3.11 or newer is needed; name one: make PYTHON=python3.12 …' >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
	  { echo 'no venv here; on Debian and Ubuntu: apt-get install python3-venv' >&2; exit 1; }

$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) install --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(PIP) install --constraint constraints.txt --editable '.[dev]'
	@touch $@

constraints: $(VENV)/.installed-dev ## write the versions that are in ./.venv to constraints.txt
	{ sed -n '/^#/p' constraints.txt; \
	  $(PIP) freeze --all --exclude-editable --exclude pip | grep '=='; } > build.constraints
	mv build.constraints constraints.txt
