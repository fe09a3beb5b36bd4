# The handful of commands; `make help` lists them. They need make, git and Python 3.11 or newer, and make .venv themselves.
export OMP_NUM_THREADS := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1
unexport PYTHONPATH
unexport VIRTUAL_ENV

PYTHONS = $(or $(PYTHON),python3 python3.14 python3.13 python3.12 python3.11)
OLDER = $(or $(PYTHON),python3.12 python3.11)
BIN = .venv/bin
SUITE = -m pytest @tests/suite.args

.NOTPARALLEL:
.PHONY: help course test check test-all test-oldest test-browser bench bench-desk build site handouts teach test-site lite test-lite
.PHONY: classroom test-classroom
.PHONY: install install-build install-test install-all install-oldest install-browser install-site install-lite

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile

course: install ## install the course in .venv and open JupyterLab on the first notebook (LAB_ARGS=--no-browser)
	@$(BIN)/python -m mllayers lab $(LAB_ARGS) notebooks/01_data.ipynb

test: check ## everything that has to hold: check, tests, examples, the claims on 3 seeds, the notebooks; coverage
	@$(BIN)/python $(SUITE)

check: install-test ## read the code: ruff, mypy, imports between the rooms, spelling (part of test)
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy & types=$$!; $(BIN)/lint-imports && $(BIN)/codespell; rest=$$?; wait $$types && exit $$rest

test-all: install-all check ## as test, with the claims on 30 seeds and every engine and PostgreSQL (PySpark needs Java)
	@CLAIM_SEEDS=30 LEDGER_KILLS=30 $(BIN)/python $(SUITE) -m 'not browser'

test-oldest: install-oldest ## the tests on the oldest supported versions; notebooks are executed, not compared
	@.venv-oldest/bin/python $(SUITE) --nbval-lax -W default

test-browser: install-browser ## every notebook in a real JupyterLab and as a web page (needs Chromium)
	@$(BIN)/python -m pytest -m browser tests/browser

bench: install-test ## how fast the package is, beside the peers that are installed
	@for script in $(filter-out benchmarks/desk.py,$(wildcard benchmarks/*.py)); do echo "== $$script"; $(BIN)/python "$$script" || exit 1; done

bench-desk: install-test ## all baselines at the desk in three worlds: docs/desk-scores.md (about half an hour)
	@$(BIN)/python benchmarks/desk.py

build: install-build ## make the learner copies of the notebooks, executing the solved ones first
	@$(BIN)/python -m mllayers build --execute

site: install-site ## build the web site in build/site, from the stored outputs of the notebooks; warnings are errors
	@rm -rf build/site
	@.venv-site/bin/python docs/handouts.py build/printed/handouts
	@.venv-site/bin/python -m mllayers teach --to build/printed/teach >build/printed.log || { cat build/printed.log; exit 1; }
	@.venv-site/bin/python docs/pages.py build/pages
	@.venv-site/bin/python -m sphinx -q -W --keep-going -E -c docs -d build/doctrees build/pages build/site

handouts: install-browser ## the cheat sheet and the glossary as PDF, in build/handouts (needs Chromium)
	@$(BIN)/python docs/handouts.py build/handouts --pdf

teach: install-build ## run sheets, cards, polls and expected answers for a teacher, in build/teach (PDF where Chromium is)
	@$(BIN)/python -m mllayers teach

test-site: site install-browser ## the site in a real browser: links, search, keyboard, narrow screens, axe-core (needs Chromium)
	@$(BIN)/python -m pytest -m browser tests/site

lite: install-lite ## build build/lite: the learner notebooks run in the browser alone (PYODIDE=folder: with this Pyodide)
	@rm -rf build/lite
	@.venv-site/bin/python docs/lite.py build/lite-pages $(PYODIDE)
	@cd build/lite-pages && ../../.venv-site/bin/jupyter lite build --contents files --apps lab --no-sourcemaps \
		--output-dir ../lite >../lite.log 2>&1 || { cat ../lite.log; exit 1; }

test-lite: lite install-browser ## every notebook in build/lite, nothing asked of other machines (needs PYODIDE=folder and Chromium)
	@$(BIN)/python -m pytest -m browser tests/lite/test_lite.py tests/lite/test_lite_desk.py

classroom: install-build $(if $(PYODIDE),lite) ## build/classroom, folder and zip for a room without internet (PYODIDE=folder: notebooks, too)
	@$(BIN)/python -m mllayers.teach.classroom build/classroom $(if $(PYODIDE),--site build/lite)

test-classroom: classroom install-browser ## build/classroom, served and installed without internet (needs PYODIDE=folder, Chromium)
	@$(BIN)/python -m pytest -m browser tests/lite/test_classroom_browser.py

install:
	@sh .ci/venv .venv constraints.txt course $(PYTHONS)

install-build:
	@sh .ci/venv .venv constraints.txt course,echo $(PYTHONS)

install-test:
	@sh .ci/venv .venv constraints.txt test,lint $(PYTHONS)

install-all:
	@sh .ci/venv .venv constraints.txt test,lint,cluster,postgres,echo $(PYTHONS)

install-browser:
	@sh .ci/venv .venv constraints.txt test,browser $(PYTHONS)

install-oldest:
	@sh .ci/venv .venv-oldest constraints-oldest.txt test $(OLDER)

install-site:
	@sh .ci/venv .venv-site constraints.txt site $(PYTHONS)

install-lite:
	@sh .ci/venv .venv-site constraints.txt lite $(PYTHONS)
