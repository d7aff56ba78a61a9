# Each goal does its own set-up in .venv; nothing else on the machine is touched.
PYTHON ?= python3
PIP_FLAGS ?= --quiet --disable-pip-version-check
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help demo site test test-all faults lint types bench study wheel clean
.DEFAULT_GOAL := help

help:  ## list the goals
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 18

$(BIN)/python:
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(v < (3, 11) and \
	  f"make: Python is {v[0]}.{v[1]}, but 3.11 or newer is needed. Set PYTHON=python3.11.")'
	$(PYTHON) -m venv .venv

.venv/.run: pyproject.toml | $(BIN)/python
	@echo "Installing what the toolkit needs into .venv (a few minutes, once)"
	$(BIN)/python -m pip install $(PIP_FLAGS) --editable '.[torch]'
	@touch $@

.venv/.dev: pyproject.toml | $(BIN)/python
	@echo "Installing what the tests need into .venv (a few minutes, once; 7 GB on Linux)"
	$(BIN)/python -m pip install $(PIP_FLAGS) --editable '.[dev,torch,iqa,fast,cluster,video]'
	@touch $@ .venv/.run .venv/.docs

.venv/.docs: pyproject.toml | $(BIN)/python
	@echo "Installing what the site needs into .venv (a minute, once)"
	$(BIN)/python -m pip install $(PIP_FLAGS) --editable '.[docs]'
	@touch $@

demo: export LLDATA_HOME := $(CURDIR)/demo/home
demo: .venv/.run  ## simulate captures, ingest, train, score, build the leaderboard: 4 minutes
	rm -rf demo && mkdir demo
	lldata simulate canon6d demo/canon6d --scenes 30 --fault misaligned=1
	lldata ingest demo/canon6d
	lleval train --model sid --dataset canon6d_iso12600 --steps 600
	lleval run --model sid --dataset canon6d_iso12600
	lleval run --model amplify --dataset canon6d_iso12600
	lleval run --model scaled --dataset canon6d_iso12600
	lleval run --model gamma --dataset canon6d_iso12600
	lleval run --model histogram_equalization --dataset canon6d_iso12600
	lleval run --model histogram_matching --dataset canon6d_iso12600
	lleval run --model lime --dataset canon6d_iso12600
	lleval leaderboard build --records demo/home/.runs --out demo/site
	@echo "Open demo/site/index.html, and a report: demo/home/.runs/canon6d_iso12600.test/*/report.html"

site: .venv/.docs  ## build the leaderboard and the documentation: site/index.html
	lleval leaderboard build --out site --docs docs

test: .venv/.dev  ## every test but the slow ones
	$(BIN)/python -m pytest -m 'not slow'

test-all: .venv/.dev  ## every test, trainings on the real tiles too
	$(BIN)/python -m pytest

faults: .venv/.dev  ## the full campaign of kills, full disks, damaged files and races: an hour
	$(BIN)/python -m tests.faults.campaign

lint: .venv/.dev  ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

types: lint

bench: .venv/.dev  ## measure against the named peers; figures go to docs/benchmarks
	mkdir -p docs/benchmarks
	for file in tests/benchmarks/bench_*.py; do \
	  name=$$(basename $$file .py); \
	  $(BIN)/python $$file > docs/benchmarks/$${name#bench_}.json || exit 1; \
	done

study: .venv/.dev  ## measure intervals, metrics and the alignment audit (TILES=, IQA=: real pictures): 20 minutes
	$(BIN)/python -m tests.benchmarks.study_coverage
	$(BIN)/python -m tests.benchmarks.study_metrics $(if $(IQA),--data $(IQA))
	$(BIN)/python -m tests.benchmarks.study_alignment $(if $(TILES),--tiles $(TILES))

wheel: .venv/.dev  ## build the wheel and try it in an empty environment
	$(BIN)/python -m pip wheel $(PIP_FLAGS) --no-deps --wheel-dir dist .
	rm -rf dist/try && $(PYTHON) -m venv dist/try
	dist/try/bin/python -m pip install $(PIP_FLAGS) dist/lowlight_toolkit-*.whl
	cd dist && try/bin/lldata protocols && try/bin/lleval leaderboard build --out page

clean:  ## remove what was built; datasets stay
	rm -rf .venv build dist demo site .mypy_cache .pytest_cache .ruff_cache .hypothesis
