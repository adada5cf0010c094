# The two commands of this project: `make run` and `make test`. `make help` lists the rest.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
MANAGE := $(BIN)/python manage.py
PIP := $(BIN)/pip install --quiet --disable-pip-version-check
INSTALLED := $(VENV)/.installed
TESTABLE := $(VENV)/.testable
STATIC := var/static/.collected

# Of `make faults`: in each of its two worlds; without a seed one is drawn.
SECONDS ?= 60
SEED ?=
# Of `make bench`: how often each thing is measured, and what else `python -m tests.bench` takes.
REPEAT ?= 3
KNOBS ?=
# Of `make fuzz`.
TIMES ?= 20

# Asked only where a recipe needs it, so that nothing is asked when all is made.
new_enough = $(shell $(PYTHON) -c 'import sys; print(sys.version_info >= (3, 11) or "")' 2>/dev/null)
has_venv = $(shell $(PYTHON) -c 'import ensurepip, venv; print(True)' 2>/dev/null)

.PHONY: run test test-quick faults fuzz bench lint format clean help
.DEFAULT_GOAL := help

run: $(INSTALLED) $(STATIC) ## serve the chat on http://127.0.0.1:8000 (HOST and PORT change it)
	@$(MANAGE) migrate --verbosity=0
	@exec $(MANAGE) serve

test: lint $(STATIC) ## check everything, with real services and a real browser
	$(BIN)/pytest --quiet
	$(BIN)/pytest --quiet --store=postgres --layer=redis -m django_db

test-quick: $(TESTABLE) $(STATIC) ## run the tests that need neither services nor browser
	$(BIN)/pytest --quiet -m 'not browser and not services'

faults: $(TESTABLE) $(STATIC) ## break everything for a while, and judge (SECONDS and SEED change it)
	@$(BIN)/python -m tests.faults --seconds=$(SECONDS) --seed=$(SEED)

fuzz: $(TESTABLE) $(STATIC) ## try TIMES=20 times as many surprises as `make test` does
	TIMES=$(TIMES) $(BIN)/pytest --quiet -o faulthandler_timeout=0 tests/fuzz tests/test_convergence.py

bench: $(TESTABLE) $(STATIC) ## compare what things cost with other servers (REPEAT, KNOBS)
	@$(BIN)/python -m tests.bench --repeat=$(REPEAT) --write $(KNOBS)

lint: $(TESTABLE) ## check format, style, types, templates, settings and migrations
	$(BIN)/ruff format --check --quiet
	$(BIN)/ruff check --quiet
	$(BIN)/mypy
	$(BIN)/djlint --lint --quiet templates
	$(MANAGE) check --fail-level=WARNING
	$(MANAGE) makemigrations --check --dry-run --verbosity=0

format: $(TESTABLE) ## put the code into shape
	$(BIN)/ruff format --quiet
	$(BIN)/ruff check --fix --quiet

clean: ## remove what was made; messages and keys in var/ stay
	rm -rf $(VENV) var/static .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

help: ## list these commands
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 14

$(BIN)/pip:
	$(if $(new_enough),,$(error Rooms needs Python 3.11 or newer; name one: make run PYTHON=python3.12))
	$(if $(has_venv),,$(error $(PYTHON) has no venv module; on Debian: apt-get install python3-venv))
	@$(PYTHON) -m venv $(VENV)

$(INSTALLED): requirements.txt | $(BIN)/pip
	@echo Installing what Rooms needs into $(VENV) ...
	@$(PIP) -r requirements.txt
	@touch $@

$(TESTABLE): tests/requirements.txt $(INSTALLED)
	@echo Installing what its tests need into $(VENV) ...
	@$(PIP) -r tests/requirements.txt
	@touch $@

$(STATIC): $(INSTALLED) $(shell find static -not -name '.*')
	@DEBUG=off $(MANAGE) collectstatic --no-input --clear --verbosity=0
	@touch $@
