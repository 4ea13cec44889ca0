# Two commands set everything up on a bare Python 3.11: `make demo` and `make test`.
PYTHON ?= python3.11
VENV ?= .venv
EXTRAS ?= dev
BIN := $(VENV)/bin

.PHONY: help demo test lint docs bench train-embedded
help:  ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

demo: $(VENV)/.core  ## build the sample end to end; writes demo-out/ with the data set and the report
	@$(BIN)/lookweave demo --out demo-out

test: $(VENV)/.$(EXTRAS)  ## run the tests; EXTRAS=dev,train,hub adds what needs torch
	$(BIN)/python -m pytest -n auto --dist loadfile

lint: $(VENV)/.$(EXTRAS)  ## ruff and mypy, as the project's check runs them
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

docs:  ## build the documentation into build/site; a broken link is an error
	$(MAKE) EXTRAS=docs $(VENV)/.docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build

bench: $(VENV)/.$(EXTRAS)  ## list the benchmarks; each prints its own figures
	@ls benchmarks/*.py; echo "run one with: $(BIN)/python benchmarks/NAME.py --help"

# Segmenter (a run and one that goes on from it), encoder with its ablation, describer, text tower,
# the score's recipe and their pages, from DATA (ccp/, clothing-small/). Every step goes on where it
# stopped. Rendered pairs are for the ablation, where they have not helped (docs/rendering.md), and
# smaller ones for the score's recipe.
RUN ?= build/embedded
# Processes that prepare the segmenter's batches: a dozen or so where a CUDA card learns.
WORKERS ?= 0
SETS = --parsed $(DATA)/ccp --products $(DATA)/clothing-small
WEIGHTS := src/lookweave/models/weights

train-embedded:  ## train the embedded models anew: make train-embedded DATA=FOLDER; see docs/models/
	@test -n "$(DATA)" || { echo "say where ccp/ and clothing-small/ are: make train-embedded DATA=FOLDER"; exit 2; }
	$(MAKE) EXTRAS=train,studio $(VENV)/.train,studio
	$(BIN)/lookweave render --garments 300 --looks 1000 --seed 11 --labels --out $(RUN)/rendered
	$(BIN)/lookweave train segmenter $(SETS) --tagged --workers $(WORKERS) --out $(RUN)/first
	$(BIN)/lookweave train segmenter $(SETS) --tagged --workers $(WORKERS) --out $(RUN) \
	  --start $(RUN)/first/segmenter.checkpoint.pt
	cp $(RUN)/segmenter.onnx $(RUN)/segmenter.json $(WEIGHTS)/
	$(BIN)/lookweave train encoder-ablation $(SETS) --rendered $(RUN)/rendered --out $(RUN)
	$(BIN)/lookweave train encoder $(SETS) --out $(RUN)
	cp $(RUN)/encoder.onnx $(RUN)/encoder.json $(WEIGHTS)/
	$(BIN)/lookweave train details --parsed $(DATA)/ccp --out $(RUN)/details.npz
	cp $(RUN)/details.npz $(RUN)/details.json $(WEIGHTS)/
	$(BIN)/lookweave train describer $(SETS) --out $(RUN)
	$(BIN)/lookweave train text $(SETS) --out $(RUN)
	cp $(foreach name,describer text,$(RUN)/$(name).npz $(RUN)/$(name).json) $(WEIGHTS)/
	$(BIN)/lookweave render --garments 110 --looks 220 --width 384 --height 576 --seed 23 --labels \
	  --out $(RUN)/fusion-pairs
	$(BIN)/lookweave train fusion --parsed $(DATA)/ccp --rendered $(RUN)/fusion-pairs \
	  --out $(RUN)/fusion.json
	cp $(RUN)/fusion.json $(WEIGHTS)/
	for name in segmenter encoder details describer text fusion; do \
	  $(BIN)/lookweave train page $(WEIGHTS)/$$name.json docs/models/$$name.md \
    --rendered $(RUN)/rendered; done

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.core: $(VENV)/bin/python pyproject.toml constraints.txt
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(VENV)/.$(EXTRAS): $(VENV)/bin/python pyproject.toml constraints.txt
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[$(EXTRAS)]'
	@touch $@ $(VENV)/.core
