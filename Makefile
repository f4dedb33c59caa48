# What a newcomer types: `make demo`, then `make test`. Both set up .venv first, once.

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
TORCH := .venv/.torch

.PHONY: help demo test check bench schema docs lock clean
.SUFFIXES: # or make would take setup.sh for the source of a file `setup`, and write that

help:
	@echo "make demo   set up .venv and watch a draft fail, go back and pass, on real weights"
	@echo "make test   set up .venv with torch in it, then ruff, mypy, import-linter and pytest (as root, Chromium too)"
	@echo "make check  the same without pytest"
	@echo "make bench  measure what judging costs (nine to eleven minutes, alone on the machine), into bench/results.json"
	@echo "make schema write manifestos/schema.json anew"
	@echo "make docs   write docs/cli.md anew"
	@echo "make lock   write constraints.txt anew, with the newest versions that fit"
	@echo "make clean  remove .venv"

demo: $(READY)
	$(BIN)/superego ask "Write a thank-you note to a customer." --manifesto house-style --seed $(or $(SEED),29) --trace

test: check
	./setup-browser.sh
	$(BIN)/pytest -n 2

check: $(TORCH)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(READY)
	$(BIN)/python -m bench.run

schema: $(READY)
	$(BIN)/python -m critics.manifesto.json_schema > manifestos/schema.json

docs: $(READY)
	$(BIN)/python -m typer pipeline.cli.main utils docs --name superego --output docs/cli.md

# Addresses stay out: names, versions and hashes are enough, and the index is whatever pip is set up with. torch is left
# out as well: which build of it is right is the machine's affair (setup-torch.sh).
LOCK := $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --group dev --generate-hashes \
  --no-emit-index-url --no-annotate $(UPGRADE) --quiet --custom-compile-command "make lock"
lock: UPGRADE := --upgrade
lock: $(READY)
	$(LOCK) --extra embedded --extra personal-data --extra openai --extra eval --extra server --extra batch --extra ray --output-file constraints.txt
	echo torch > .venv/excludes.txt
	$(LOCK) --all-extras --constraint constraints.txt --excludes .venv/excludes.txt --output-file constraints-torch.txt

$(READY): constraints.txt pyproject.toml setup.sh hatch_build.py $(wildcard pipeline/llama/products/*.[ch])
	./setup.sh $(PYTHON)
	@touch $@

$(TORCH): $(READY) constraints-torch.txt setup-torch.sh
	./setup-torch.sh
	@touch $@

clean:
	rm -rf .venv
