# The commands of Crucible; `make help` lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --only-binary :all:

.PHONY: help run test test-faults check lock fmt screenshots fault-table bench-gateway clean

help: ## List the commands
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

.venv/pip: requirements/pip.txt
	@$(PYTHON) -c 'import sys; sys.exit("Crucible needs Python 3.11 or newer; set PYTHON=/path/to/python3.11") if sys.version_info < (3, 11) else None'
	@test -x $(BIN)/python || $(PYTHON) -m venv --without-pip .venv
	@echo "Installing into .venv …"
	@$(PYTHON) -m pip --python $(BIN)/python install --quiet --disable-pip-version-check --require-hashes --no-deps --only-binary :all: -r requirements/pip.txt
	@touch $@

.venv/base: .venv/pip requirements/base.txt
	@$(PIP) -r requirements/base.txt
	@touch $@

.venv/gateway: .venv/base pyproject.toml
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-index --no-deps --no-build-isolation --editable .
	@touch $@

.venv/dev: .venv/gateway requirements/dev.txt
	@$(PIP) -r requirements/dev.txt
	@touch $@

# The vendor's clients that the tests drive, each in a directory of its own: all are named ibapi.
CLIENTS := ibapi-9.81 nautilus-10.19 nautilus-10.30 nautilus-10.46

.venv/clients/build/installed: requirements/clients/build.txt .venv/pip
	@rm -rf $(@D)
	@$(PIP) --target $(@D) -r $<
	@touch $@

.venv/clients/%/installed: requirements/clients/%.txt .venv/clients/build/installed
	@rm -rf $(@D)
	@PYTHONPATH=$(CURDIR)/.venv/clients/build $(PIP) --no-binary ibapi --no-build-isolation --target $(@D) -r $<
	@touch $@

run: .venv/gateway ## Start the whole product on the embedded default
	@exec $(BIN)/python manage.py demo

test: .venv/dev $(CLIENTS:%=.venv/clients/%/installed) ## Install what the tests need and pass them
	@$(BIN)/python -m pytest

test-faults: .venv/dev ## Strike the whole product with random faults (SCHEDULES=50 SEED=… ONLY=…)
	@SCHEDULES=$(SCHEDULES) SEED=$(SEED) ONLY='$(ONLY)' LANES=$(LANES) \
	  RESULTS='$(RESULTS)' PAGE='$(PAGE)' \
	  $(BIN)/python -m pytest -n 0 -s --timeout 0 tests/faults/campaign.py

check: .venv/dev ## Lint, types, import contracts, templates, migrations, deployment settings
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/djade --check --target-version 5.2 $$(git ls-files 'templates/*.html')
	@$(BIN)/python manage.py makemigrations --check --dry-run
	@$(BIN)/python manage.py check_deploy
	@$(BIN)/python requirements/verify.py

fmt: .venv/dev ## Format the code
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .
	@$(BIN)/djade --target-version 5.2 $$(git ls-files 'templates/*.html')

lock: ## Lock the requirements again (needs uv)
	@for name in pip base dev $(addprefix clients/,build $(CLIENTS)); do \
	  uv pip compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header \
	    --python-version 3.11 requirements/$$name.in -o requirements/$$name.txt || exit 1; done
	@$(PYTHON) requirements/verify.py

screenshots: .venv/dev ## Take the pictures of docs/images again (needs Chromium)
	@mkdir -p docs/images
	@CRUCIBLE_SCREENSHOTS=$(CURDIR)/docs/images $(BIN)/python -m pytest -n 0 -q \
	  tests/journeys/test_journey.py -k "five_people or ctrl_c"

fault-table: .venv/dev ## Show which scenario catches which fault, and write docs/scenario_faults.md
	@mkdir -p var
	@$(BIN)/python -m pytest tests/validation --junit-xml=var/fault_table.xml \
	  -k "is_caught or ledger_is_the_gateway or asks_for_it or the_watch_names"; status=$$?; \
	  $(BIN)/python manage.py shell --no-imports -c "from tests import fault_table as it; \
	  it.write('var/fault_table.xml', 'docs/scenario_faults.md')"; exit $$status

bench-gateway: .venv/dev ## Measure the simulated gateway against the thinnest server (5 minutes)
	@$(BIN)/python -m bench.gateway

clean: ## Remove the installation and the demo's data
	@rm -rf .venv var
