# `make run` and `make test` need Python 3.11 or newer, and nothing else.

PYTHON ?= python3
BIN := .venv/bin
WORKERS ?= auto

run test hostile lint bench prove: export DEBUG ?= 1

.PHONY: run test hostile lint bench prove lock

run: .venv/ready
	@$(BIN)/python manage.py run

test: .venv/ready
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup

hostile: export HOSTILE_INPUTS ?= 50000
hostile: .venv/ready
	@$(BIN)/python -m pytest tests/test_hostile_inputs.py -n 8

lint: .venv/ready
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy .
	@$(BIN)/python manage.py makemigrations --check --dry-run
	@$(BIN)/python manage.py check_templates

bench: .venv/ready
	@$(BIN)/python -m benchmarks

prove: .venv/ready
	@$(BIN)/python manage.py prove

lock: .venv/ready
	$(BIN)/python -m pip install --quiet pip-tools
	$(BIN)/pip-compile --quiet --generate-hashes --strip-extras --no-emit-index-url --no-emit-trusted-host --output-file requirements/base.txt requirements/base.in
	$(BIN)/pip-compile --quiet --generate-hashes --strip-extras --no-emit-index-url --no-emit-trusted-host --output-file requirements/dev.txt requirements/dev.in

.venv/ready: requirements/dev.txt
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Covenant needs Python 3.11 or newer; $(PYTHON) is " + sys.version.split()[0] + ". Another: make run PYTHON=python3.12")'
	@echo "Installing the locked libraries into .venv ..."
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@
