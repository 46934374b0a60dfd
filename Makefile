# Set-up is part of every target: each leaves a stamp, so a second run does nothing.
# Python 3.11 or newer, make and a C library are all that has to be there.

BIN := .venv/bin
NPM := PATH="$(CURDIR)/$(BIN):$$PATH" npm --prefix frontend --no-fund --no-audit --no-update-notifier
INSTALLED := .venv/.installed
MODULES := frontend/node_modules/.installed
PAGE := frontend/dist/index.html
PAGE_SOURCES := $(shell find frontend/src frontend/public -type f 2>/dev/null) \
	$(wildcard frontend/*.html frontend/*.json frontend/*.ts frontend/*.js)
LOCKS := $(wildcard requirements/*.lock)
# A file of tests stays on one core: its fixtures are made once.
BY_CORE := -n logical --maxprocesses 8 --dist loadfile
# Django asks for a key even where nothing is signed.
CHECKING := DANAS_SECRET_KEY=check DANAS_HOME=$(CURDIR)/.danas/check

# Each of the three checks waits for one core most of the time.
SIDE_BY_SIDE := --no-print-directory --jobs 2 --output-sync=target

.PHONY: run install build test test-long test-frontend check check-python check-frontend bench types lock chromium clean
.DELETE_ON_ERROR:

run: build
	@exec $(BIN)/python manage.py run

install: $(INSTALLED)

build: $(PAGE)

$(BIN)/python:
	@echo "Making a virtual environment in .venv …"
	@for python in $(PYTHON) python3 python3.13 python3.12 python3.11; do \
		"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
		"$$python" -m venv .venv && exit 0; \
		echo "$$python cannot make virtual environments; on Debian and Ubuntu: apt install python3-venv" >&2; \
		rm -rf .venv; exit 1; \
	done; echo "Python 3.11 or newer is needed; name one with make PYTHON=…" >&2; exit 1

$(INSTALLED): $(LOCKS) requirements/packages.py | $(BIN)/python
	@$(BIN)/python requirements/packages.py install
	@touch $@

$(MODULES): frontend/package-lock.json frontend/package.json | $(INSTALLED)
	@echo "Installing the frontend's packages …"
	@$(NPM) ci --ignore-scripts --loglevel=error
	@touch $@

$(PAGE): $(MODULES) $(PAGE_SOURCES)
	@echo "Building the frontend …"
	@$(NPM) run --silent build -- --logLevel warn
	@touch $@

chromium:
	@if command -v chromium >/dev/null; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "Installing Chromium for the browser tests …"; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
			apt-get install -qq -y --no-install-recommends chromium >/dev/null; \
	else \
		echo "The browser tests need Chromium as \`chromium\` on the PATH (Debian: apt install chromium)." >&2; \
		exit 1; \
	fi

test: build chromium
	@$(MAKE) $(SIDE_BY_SIDE) check-python check-frontend test-frontend
	@echo "Running the tests …"
	@$(BIN)/python -m pytest $(BY_CORE) -m "not slow and not gpu and not system and not browser"
	@echo "Running those that start Danas …"
	@$(BIN)/python -m pytest -m "(system or browser) and not slow and not gpu"

test-long: build chromium
	@$(MAKE) $(SIDE_BY_SIDE) check-python check-frontend test-frontend
	@$(BIN)/python -m pytest $(BY_CORE) -m "not gpu and not system and not browser"
	@$(BIN)/python -m pytest -m "(system or browser) and not gpu"

test-frontend: $(MODULES)
	@echo "Testing the frontend …"
	@$(NPM) run --silent test

check: check-python check-frontend

check-python: $(INSTALLED)
	@echo "Checking style, types and imports …"
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet .
	@$(CHECKING) $(BIN)/mypy assistant learning inference manage.py
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/python -m pytest -q tests/test_migrations.py

check-frontend: $(MODULES)
	@echo "Checking the page and its types …"
	@$(CHECKING) $(BIN)/python manage.py exportschema frontend/openapi.json
	@$(NPM) run --silent types -- --check
	@$(NPM) run --silent check

bench: build
	@$(BIN)/python -m tests.benchmarks --quick

types: $(MODULES)
	@$(CHECKING) $(BIN)/python manage.py exportschema frontend/openapi.json
	@$(NPM) run --silent types

lock: | $(BIN)/python
	@$(BIN)/python requirements/packages.py lock

clean:
	rm -rf .venv frontend/node_modules frontend/dist .mypy_cache .ruff_cache .pytest_cache
