# Stages and checks. `make` alone lists them.
PYTHON ?= python3
MODEL ?= siglip2
DATA ?= data
CLASSES ?= imagenet
ID ?= imagenet-val
OOD ?= iNaturalist SUN Places Textures
PHOTOS ?=
MODELS ?=
SCORES ?= mcm:temperature=1|0.1|0.01|learned energy:temperature=1|0.1|0.01|learned sigmoid-mcm max-logit
BIN := .venv/bin
ROOMS := extract cache score report detect study cli

.DEFAULT_GOAL := help
.PHONY: help demo extract score ablation reproduce test test-slow lint format bench picture map demo-models clean

help:  ## List the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14
	@echo 'With: MODEL=$(MODEL) DATA=$(DATA) CLASSES=$(CLASSES) ID=$(ID) OOD="$(OOD)" MODELS="$(MODELS)" PYTHON=$(PYTHON)'

demo: .venv/extract  ## Run the whole path on images and models that come with it, print the table
	$(BIN)/oodcache demo

extract: .venv/extract  ## Embeddings of ID, OOD and CLASSES by MODEL, images under DATA
	$(BIN)/oodcache extract --model $(MODEL) --classes $(CLASSES) --data-root $(DATA) $(ID) $(OOD)

score: .venv/core  ## Score what MODEL has in the cache
	$(BIN)/oodcache score --model $(MODEL) --classes $(CLASSES) --id $(ID) $(OOD:%=--ood %)

ablation: .venv/core  ## A grid over what is cached; the demo's, unless MODEL is given
ifeq ($(origin MODEL),file)
	$(BIN)/oodcache score --model tiny-clip --model tiny-sigmoid --classes digits --id digits \
	  --ood eight-nine --ood photos --ood textures $(foreach one,$(SCORES),--score '$(one)') --output results/ablation.json
else
	$(BIN)/oodcache score --model $(MODEL) --classes $(CLASSES) --id $(ID) $(OOD:%=--ood %) \
	  $(foreach one,$(SCORES),--score '$(one)') --output results/ablation.json
endif

reproduce: .venv/extract  ## The study of docs/published.md, images under DATA; MODELS=tiny: the demo's, no download
	$(BIN)/oodcache reproduce --data-root $(DATA) $(MODELS:%=--model %)

test: .venv/dev  ## Install what the tests need and run them (minutes)
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 \
	  $(BIN)/python -m pytest -q -m "not slow" -n auto --maxprocesses 4 --dist worksteal

test-slow: .venv/dev  ## The long tests: installs, wheels, many examples of each law
	$(BIN)/python -m pytest -q -m "slow or hypothesis" --hypothesis-profile=thorough

lint: .venv/dev build/links  ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	cd build/links && ../../$(BIN)/mypy --config-file ../../setup.cfg -p oodcache

format: .venv/dev  ## Let ruff rewrite what lint would refuse
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: .venv/dev  ## The figures of README and docs/benchmarks.md, measured here
	PHOTOS='$(PHOTOS)' env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE $(BIN)/python -m bench

picture: .venv/dev  ## The top of the demo's report as docs/report.png, by Chromium
	$(BIN)/python -m bench.report.picture

map:  ## Every module with its one-line description
	@awk 'FNR == 1 { gsub(/"""/, ""); printf "%-40s %s\n", FILENAME, $$0 }' \
	  $$(find api $(ROOMS) -name '*.py' | LC_ALL=C sort)

demo-models: .venv/extract  ## Train the two small models again (minutes)
	$(BIN)/python bench/train_demo_models.py

clean:  ## Remove what make made, but not embeddings/ and results/
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis

# A stamp for each set of dependencies; pip does nothing where they are there.
.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo 'Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)'; exit 1; }
	$(PYTHON) -m venv .venv

.venv/core: setup.cfg pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

.venv/extract: setup.cfg pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --editable '.[extract,report]'
	@touch $@ .venv/core

.venv/dev: setup.cfg pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --editable '.[extract,dev]'
	@touch $@ .venv/extract .venv/core

# mypy and pyright do not run the import hook of an editable install: give them a tree of links.
.PHONY: build/links
build/links:
	@rm -rf $@/oodcache && mkdir -p $@/oodcache
	@ln -s $(addprefix ../../../,$(wildcard api/*.py) api/py.typed $(ROOMS)) $@/oodcache/
