# Stages and checks; `make` lists them.
PYTHON ?= python3
MODEL ?= siglip2
DATA ?= data
CLASSES ?= imagenet
ID ?= imagenet-val
OOD ?= iNaturalist SUN Places Textures
PHOTOS ?=
DEVICE ?=
PARTS ?=
MODELS ?=
SCORES ?= mcm:temperature=1|0.1|0.01|learned energy:temperature=1|0.1|0.01|learned sigmoid-mcm max-logit
BIN := .venv/bin
ROOMS := extract cache score report detect study cli
SETUP := setup.cfg setup.py pyproject.toml score/kernel/rows.c score/kernel/sweeps.h
# A kernel of before would stay if the new one does not compile.
INSTALL = rm -f score/kernel/*.so && $(BIN)/python -m pip install --quiet --editable

.DEFAULT_GOAL := help
.PHONY: help demo extract score ablation reproduce test test-numpy test-slow lint format bench gpu-check picture pictures map demo-models clean

help:  ## List the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14
	@echo 'Variables: MODEL=$(MODEL) DATA=$(DATA) CLASSES=$(CLASSES) ID=$(ID) OOD="$(OOD)" MODELS="$(MODELS)" PYTHON=$(PYTHON)'

demo: .venv/extract  ## Run extract, score and report on bundled images and models
	$(BIN)/oodcache demo

extract: .venv/extract  ## Embed ID, OOD and CLASSES with MODEL; images are under DATA
	$(BIN)/oodcache extract --model $(MODEL) --classes $(CLASSES) --data-root $(DATA) $(ID) $(OOD)

score: .venv/core  ## Score the cached embeddings of MODEL
	$(BIN)/oodcache score --model $(MODEL) --classes $(CLASSES) --id $(ID) $(OOD:%=--ood %)

ablation: .venv/core  ## Run a grid of scores on the embeddings of MODEL (default: the demo's)
ifeq ($(origin MODEL),file)
	$(BIN)/oodcache score --model tiny-clip --model tiny-sigmoid --classes digits --id digits \
	  --ood eight-nine --ood photos --ood textures $(foreach one,$(SCORES),--score '$(one)') --output results/ablation.json
else
	$(BIN)/oodcache score --model $(MODEL) --classes $(CLASSES) --id $(ID) $(OOD:%=--ood %) \
	  $(foreach one,$(SCORES),--score '$(one)') --output results/ablation.json
endif

reproduce: .venv/extract  ## Reproduce the study of docs/study/published.md; MODELS=tiny downloads nothing
	$(BIN)/oodcache reproduce --data-root $(DATA) $(MODELS:%=--model %)

# Without bytecode every worker and every command compiles all modules again.
test: .venv/dev  ## Install the test dependencies and run the tests (minutes)
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE= \
	  $(BIN)/python -m pytest -q -m "not slow" -n auto --maxprocesses 4 --dist worksteal

test-numpy: .venv/dev  ## Run the tests of scores and detectors without the kernel in C
	OODCACHE_KERNEL=numpy OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE= \
	  $(BIN)/python -m pytest -q -m "not slow" -n auto --maxprocesses 4 --dist worksteal score \
	  $(addprefix tests/score/,kernel formulas onepass streams own) tests/detect tests/cli/test_score.py

test-slow: .venv/dev  ## Run the long tests: installs, wheels, more Hypothesis examples
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 \
	  $(BIN)/python -m pytest -q -m "slow or hypothesis" --hypothesis-profile=thorough \
	  -n auto --maxprocesses 2 --dist loadfile

lint: .venv/dev build/links  ## Run ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	cd build/links && ../../$(BIN)/mypy --config-file ../../setup.cfg -p oodcache

format: .venv/dev  ## Fix and format the code with ruff
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: .venv/dev  ## Measure speed and memory on this machine against their targets (PARTS: some of them)
	PHOTOS='$(PHOTOS)' env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE $(BIN)/python -m bench $(PARTS)

gpu-check: .venv/dev  ## Check extraction on a GPU: equality, overlap, rates, Ray (under 5 minutes)
	env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE $(BIN)/python -m bench.gpu $(if $(DEVICE),--device $(DEVICE))

picture: .venv/dev  ## Render docs/output/report.png from the demo's report (needs Chromium)
	$(BIN)/python -m bench.report.picture

pictures: .venv/dev  ## Draw the figures of docs/output/figures.md from the demo's results
	$(BIN)/python -m bench.report.pictures

map:  ## Print every module with its one-line description
	@awk 'FNR == 1 { gsub(/"""/, ""); printf "%-40s %s\n", FILENAME, $$0 }' \
	  $$(find api $(ROOMS) -name '*.py' | LC_ALL=C sort)

demo-models: .venv/extract  ## Retrain the demo's two small models (minutes)
	$(BIN)/python bench/demo/train_models.py

clean:  ## Remove installed and built files; keep embeddings/ and results/
	rm -rf .venv build dist *.egg-info score/kernel/*.so .pytest_cache .mypy_cache .ruff_cache .hypothesis

# One stamp per set of dependencies.
.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo 'Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)'; exit 1; }
	$(PYTHON) -m venv .venv

.venv/core: $(SETUP) | .venv/bin/python
	$(INSTALL) .
	@touch $@

.venv/extract: $(SETUP) | .venv/bin/python
	$(INSTALL) '.[extract,report]'
	@touch $@ .venv/core

.venv/dev: $(SETUP) | .venv/bin/python
	$(INSTALL) '.[extract,dev]'
	@touch $@ .venv/extract .venv/core

# mypy and pyright ignore the import hook of an editable install; a tree of links works.
.PHONY: build/links
build/links:
	@rm -rf $@/oodcache && mkdir -p $@/oodcache
	@ln -s $(addprefix ../../../,$(wildcard api/*.py) api/py.typed $(ROOMS)) $@/oodcache/
