# Two commands on a fresh machine with only Python and make: `make demo` and `make test`.
PYTHON ?= python3
BIN = .venv/bin

.PHONY: demo test check lint types contract format book bench lock assurance clean

demo: .venv/run.stamp
	$(BIN)/evaltoolkit demo demo

test: .venv/dev.stamp
	$(BIN)/python -m pytest -n auto

check: lint types contract test

lint: .venv/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/dev.stamp
	$(BIN)/mypy

contract: .venv/dev.stamp
	$(BIN)/lint-imports

format: .venv/dev.stamp
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

assurance: .venv/dev.stamp
	$(BIN)/python tests/assurance/coverage_study.py

book: .venv-book/stamp
	.venv-book/bin/jupyter-book build book -W -n --keep-going

.venv-book/stamp: requirements/book.txt
	$(PYTHON) -m venv .venv-book
	.venv-book/bin/python -m pip install --quiet --require-hashes -r requirements/book.txt
	.venv-book/bin/python -m pip install --quiet --no-deps --no-build-isolation -e .
	touch $@

# Against peers, in one run; ratios move with the machine.
bench: .venv-bench/stamp
	.venv-bench/bin/python benchmarks/group_time.py

.venv-bench/stamp: requirements/bench.txt
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/python -m pip install --quiet --require-hashes -r requirements/bench.txt
	.venv-bench/bin/python -m pip install --quiet --no-deps --no-build-isolation -e .
	touch $@

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/run.stamp: requirements/run.txt pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/run.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	touch $@

.venv/dev.stamp: requirements/dev.txt pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	touch $@ .venv/run.stamp

# Needs uv on the path; writes the hashed locks, which name no package host.
LOCK = uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header
lock:
	$(LOCK) pyproject.toml requirements/build.in -o requirements/run.txt
	$(LOCK) --extra test --extra lint pyproject.toml requirements/build.in -c requirements/run.txt -o requirements/dev.txt
	$(LOCK) --extra book requirements/build.in pyproject.toml -o requirements/book.txt
	$(LOCK) --extra bench requirements/build.in pyproject.toml -o requirements/bench.txt

clean:
	rm -rf .venv .venv-book .venv-bench demo book/_build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
