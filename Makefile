# What a newcomer types: `make demo`, then `make test`. Both set up .venv first, once.

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.PHONY: help demo test check bench schema docs lock clean

help:
	@echo "make demo   set up .venv and watch a draft fail, go back and pass, on real weights"
	@echo "make test   set up .venv, then ruff, mypy, import-linter and pytest"
	@echo "make check  the same without pytest"
	@echo "make bench  measure what judging costs (ten minutes, alone on the machine), into bench/results.json"
	@echo "make schema write manifestos/schema.json anew"
	@echo "make docs   write docs/cli.md anew"
	@echo "make lock   write constraints.txt anew, with the newest versions that fit"
	@echo "make clean  remove .venv"

demo: $(READY)
	$(BIN)/superego ask "Write a thank-you note to a customer." --manifesto house-style --seed $(or $(SEED),12) --trace

test: check
	$(BIN)/pytest

check: $(READY)
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

# Addresses stay out: names, versions and hashes are enough, and the index is whatever pip is set up with.
lock: $(READY)
	$(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --all-extras --group dev \
	  --generate-hashes --no-emit-index-url --no-annotate --upgrade --quiet \
	  --custom-compile-command "make lock" --output-file constraints.txt

$(READY): constraints.txt pyproject.toml setup.sh
	./setup.sh $(PYTHON)
	@touch $@

clean:
	rm -rf .venv
