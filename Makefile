# Python's own tools and pip do the work; a different interpreter: make PYTHON=python3.12 …
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help install demo test check faults bench clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(VENV)/installed ## make .venv with all that running needs

demo: install ## run the main job on embedded defaults; Ctrl-C ends it
	@$(BIN)/dunnage demo

test: $(VENV)/installed-dev ## run the tests, against real servers that it installs and starts
	@tests/install-servers
	@tests/firmware/install
	@$(BIN)/python -m pytest -n 2 --dist loadscope --no-loadscope-reorder

check: $(VENV)/installed-dev ## formatting, lint, types and the direction of imports
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

faults: $(VENV)/installed-dev ## kill, stop, fill and cut off every part; prints what was lost or doubled
	@tests/install-servers
	@$(BIN)/python -m tests.faults

bench: $(VENV)/installed-dev ## measure what is fast and what is not; prints figures
	@tests/install-servers
	@$(BIN)/python -m tests.bench

clean: ## remove .venv and the demo's files
	rm -rf $(VENV) dunnage-demo

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
		{ echo "Dunnage needs Python 3.11 to 3.13: make PYTHON=/path/to/python3.11 …" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
		{ echo "python3-venv is missing: apt-get install python3-venv" >&2; exit 1; }

$(VENV)/installed: $(VENV)/bin/python pyproject.toml constraints.txt
	@echo "Installing Dunnage into $(VENV) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed
	@echo "Installing what the tests and checks need …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@
