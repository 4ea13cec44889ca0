# Two commands set everything up on a bare Python 3.11: `make demo` and `make test`.
PYTHON ?= python3.11
VENV ?= .venv
EXTRAS ?= dev
BIN := $(VENV)/bin

.PHONY: help demo test lint bench
help:  ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

demo: $(VENV)/.core  ## build the sample end to end; writes demo-out/ with the data set and the report
	@$(BIN)/lookweave demo --out demo-out

test: $(VENV)/.$(EXTRAS)  ## run the tests; EXTRAS=dev,train,hub adds what needs torch
	$(BIN)/python -m pytest -n auto --dist loadfile

lint: $(VENV)/.$(EXTRAS)  ## ruff and mypy, as the project's check runs them
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

bench: $(VENV)/.$(EXTRAS)  ## list the benchmarks; each prints its own figures
	@ls benchmarks/*.py; echo "run one with: $(BIN)/python benchmarks/NAME.py --help"

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.core: $(VENV)/bin/python pyproject.toml constraints.txt
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(VENV)/.$(EXTRAS): $(VENV)/bin/python pyproject.toml constraints.txt
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[$(EXTRAS)]'
	@touch $@ $(VENV)/.core
