# Two commands on a fresh machine with only Python and make: `make demo` and `make test`.
PYTHON ?= python3
BIN = .venv/bin

.PHONY: demo screenshots test check lint types contract format book book-pages book-paper book-catalogues bench lock assurance fuzz audit peers clean

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
	$(BIN)/python tests/assurance/power_study.py
	$(BIN)/python tests/assurance/estimator_study.py
	$(BIN)/python tests/assurance/inference_study.py
	$(BIN)/python tests/assurance/inference_figure.py
	$(BIN)/python tests/assurance/interval_study.py
	$(BIN)/python tests/assurance/linear_study.py
	$(BIN)/python tests/assurance/count_study.py
	$(BIN)/python tests/assurance/checks_study.py
	$(BIN)/python tests/assurance/verdict_study.py

# Ten thousand damaged workbooks; those that are stored are not made again: remove tests/assurance/fuzz.csv first.
fuzz: .venv/dev.stamp
	$(BIN)/python tests/assurance/fuzz_study.py

# Every estimate held against the independent packages that are installed; every difference explained, or the command fails.
audit: .venv-bench/stamp
	.venv-bench/bin/python tests/assurance/audit_study.py

# Every page in four languages, the pages for policymakers on paper, the plain Jupyter Book, and the gates on all of it.
LANGUAGES = en nl fr de
BUILT = book/_build
SPHINX = PYTHONPATH=book/_ext .venv-book/bin/sphinx-build -W -n --keep-going -q
PAPER = -D external_toc_path=_toc_print.yml -D master_doc=paper
CHROMIUM ?= $(shell command -v chromium || command -v chromium-browser)
# The browser is asked as the reports ask it, so that every PDF is tagged alike.
PRINT = $(BIN)/python -c "import sys; from evaltoolkit.reports.paper import print_page; print_page(*sys.argv[1:3], browser=sys.argv[3], alone=False)"

book: book-pages book-paper
	.venv-book/bin/jupyter-book build book -W -n --keep-going
	$(BIN)/python -m pytest -m book -n auto tests/book

book-pages: .venv-book/stamp .venv/dev.stamp
	rm -rf $(BUILT)/site $(BUILT)/html
	.venv-book/bin/jupyter-book config sphinx book
	$(SPHINX) -b gettext -d $(BUILT)/doctrees/gettext book $(BUILT)/gettext
	set -e; for l in $(LANGUAGES); do \
	  $(SPHINX) -b html -D language=$$l -D book_languages=en,nl,fr,de -D book_pdf=$(if $(CHROMIUM),1,0) -d $(BUILT)/doctrees/$$l book $(BUILT)/site/$$l; done
	cp book/languages.html $(BUILT)/site/index.html

# Without Chromium there is no PDF and no link to one; in CI it is there, and the tests ask for it.
book-paper: book-pages
	mkdir -p $(BUILT)/site/pdf
	set -e; if [ -n "$(CHROMIUM)" ]; then for l in $(LANGUAGES); do \
	  $(SPHINX) -b singlehtml $(PAPER) -D language=$$l -d $(BUILT)/doctrees/paper-$$l book $(BUILT)/paper/$$l; \
	  $(PRINT) $(BUILT)/paper/$$l/paper.html $(BUILT)/site/pdf/policymakers_$$l.pdf "$(CHROMIUM)"; done; fi

# After a change of the English pages for policymakers: writes what is to be translated into book/locale.
book-catalogues: .venv-book/stamp
	.venv-book/bin/jupyter-book config sphinx book
	PYTHONPATH=book/_ext .venv-book/bin/sphinx-build -q -b gettext -d $(BUILT)/doctrees/gettext book $(BUILT)/gettext
	PYTHONPATH=book/_ext .venv-book/bin/sphinx-build -q -b gettext $(PAPER) -d $(BUILT)/doctrees/gettext-paper book $(BUILT)/gettext-paper
	cp $(BUILT)/gettext-paper/paper.pot $(BUILT)/gettext/
	rm -f $(BUILT)/gettext/evaluators.pot $(BUILT)/gettext/reference.pot
	cd book && ../.venv-book/bin/sphinx-intl update -p _build/gettext -d locale -l nl -l fr -l de -w 0

.venv-book/stamp: requirements/book.txt pyproject.toml
	$(PYTHON) -m venv .venv-book
	.venv-book/bin/python -m pip install --quiet --require-hashes -r requirements/book.txt
	.venv-book/bin/python -m pip install --quiet --no-deps --no-build-isolation -e .
	touch $@

# The pictures of the README, from the reports of the demonstration; needs `make demo` first, and Chromium.
screenshots: .venv/dev.stamp
	$(BIN)/python docs/screenshots.py demo/report

# Against peers, in one run; ratios move with the machine.
bench: .venv-bench/stamp
	.venv-bench/bin/python benchmarks/run.py --output benchmarks/results.txt
	.venv-bench/bin/python benchmarks/power.py
	.venv-bench/bin/python benchmarks/sensitivity.py
	.venv-bench/bin/python benchmarks/inference.py > benchmarks/inference.txt
	.venv-bench/bin/python benchmarks/collection.py

# The tests that hold our estimates against the peers, with the peers installed.
peers: .venv-bench/test.stamp
	.venv-bench/bin/python -m pytest -m peers -n auto tests/audit

.venv-bench/test.stamp: .venv-bench/stamp requirements/dev.txt
	.venv-bench/bin/python -m pip install --quiet --require-hashes -r requirements/dev.txt
	touch $@

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
