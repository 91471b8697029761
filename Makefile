# Each target sets up what it needs in .venv and says what it does. `make` alone lists them.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help demo test conformance lint fmt bench model lock

help: ## List the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

$(READY): requirements.lock pyproject.toml mlops/build_kernel.py mlops/container/kernel.pyx
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || { \
	  echo 'referral-triage needs Python 3.11 to 3.13. Name one: make PYTHON=python3.12 ...'; exit 1; }
	@echo '==> Setting up $(VENV) (once; about 1.2 GB, a minute or two)'
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes \
	  --requirement requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

demo: $(READY) ## Run everything on this machine: Slack sandbox, bot, endpoint, model
	@$(BIN)/triage demo

test: $(READY) ## Run the tests
	@echo '==> Testing'
	@$(BIN)/python -m pytest -n 2 --dist loadfile

conformance: $(READY) ## Run our code under AWS's own toolkits, and compare
	@echo '==> Conformance (sets up .venv-conformance once; about 400 MB)'
	@$(BIN)/python -m tests.conformance

lint: $(READY) ## Check style and types
	@echo '==> Linting'
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

fmt: $(READY) ## Put the code in its format
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

bench: $(READY) ## Measure speed and memory against named baselines (training too: BENCH=--slow)
	@$(BIN)/python -m tests.bench $(BENCH)

# Both locks come from pyproject.toml: everything for development, the base install for a dyno.
COMPILE = $(BIN)/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-annotate --no-header
lock: $(READY) ## Renew requirements.lock and requirements.txt
	@echo '==> Locking'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@$(COMPILE) --upgrade --extra train --extra sandbox --extra postgres --extra test \
	  --extra lint --output-file requirements.lock
	@$(COMPILE) --extra postgres --constraint requirements.lock --output-file requirements.txt
