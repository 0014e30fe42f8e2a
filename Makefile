# The one list of chores: people, hooks and CI call these and nothing else.
# Needs python3 (3.10 to 3.13), cargo and make; everything else comes into .venv by itself.

PYTHON ?= python3
BIN := .venv/bin
TOOLS := .venv/tools-installed

# pyo3 builds for the interpreter that runs the tests, not for the first python3 on the PATH.
export PYO3_PYTHON := $(CURDIR)/$(BIN)/python
# A venv that happens to be active must not receive the build.
unexport VIRTUAL_ENV

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 18

$(TOOLS): pyproject.toml
	$(PYTHON) -m venv --clear .venv
	$(BIN)/pip install --quiet --disable-pip-version-check 'pip>=25.1' # the first with --group
	$(BIN)/pip install --quiet --group dev
	@touch $@

.PHONY: build
build: $(TOOLS) ## the extension, optimised, installed into .venv
	VIRTUAL_ENV=$(CURDIR)/.venv PIP_QUIET=1 $(BIN)/maturin develop --release --quiet

.PHONY: demo
demo: build ## build, then run sample workers against the dev server
	$(BIN)/conductor-fast demo $(ARGS)

.PHONY: dev
dev: build ## build, then run the dev server until Ctrl-C; ARGS="--port 8080"
	$(BIN)/conductor-fast dev $(ARGS)

.PHONY: format
format: $(TOOLS) ## rewrite Rust and Python in the project's form
	cargo fmt --all
	$(BIN)/ruff check --fix-only --quiet
	$(BIN)/ruff format

.PHONY: lint
lint: build ## what CI refuses: form, lints, types, the stub of the extension
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --quiet -- -D warnings
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/pyright
	$(BIN)/python -m mypy.stubtest conductor_fast._core

# The bridge is tested by pytest: its symbols exist only inside a Python process.
.PHONY: test
test: lint instructions ## lint, then every test, Rust and Python
	cargo test --workspace --exclude conductor-bridge --quiet
	$(BIN)/pytest $(ARGS)

.PHONY: faults
faults: build ## the fault tests, N times or until one fails; N=20, ARGS="-k redirect", SECONDS=300 of outages
	@for round in $$(seq $(or $(N),1)); do \
		CONDUCTOR_FAST_FAULT_SECONDS=$(or $(SECONDS),6) $(BIN)/pytest tests/faults -q -x $(ARGS) || exit 1; done

.PHONY: kill-loop
kill-loop: build ## kill -9 a worker with a spool N (200) times, and the store by itself: nothing on disk is lost
	SPOOL_CRASH_ROUNDS=$(or $(N),200) cargo test --quiet --package conductor-core --test it spool_crash
	CONDUCTOR_FAST_KILL_ROUNDS=$(or $(N),200) $(BIN)/pytest tests/faults/test_spool.py -q -s -o timeout=0 -k sigkill $(ARGS)

.PHONY: fuzz
fuzz: build ## any bytes for the splitter, the reader, Retry-After, rows of results: SECONDS (60) each
	FUZZ_SECONDS=$(or $(SECONDS),60) cargo test --quiet --package conductor-core --test it fuzz -- --nocapture
	FUZZ_SECONDS=$(or $(SECONDS),60) $(BIN)/pytest tests/unit/convert/test_decode_corpus.py -q -o timeout=0

.PHONY: soak
soak: build ## load with 1 % of every wire fault for SECONDS (600)
	CONDUCTOR_FAST_SOAK_SECONDS=$(or $(SECONDS),600) CONDUCTOR_FAST_SOAK_TASKS_PER_SECOND=$(or $(RATE),3000) \
		$(BIN)/pytest tests/faults/test_soak.py -q -o timeout=0 $(ARGS)

.PHONY: matrix
matrix: $(TOOLS) ## build and test the package on each CPython from 3.10 to 3.13 that is on this machine
	$(BIN)/python -m tests.matrix

.PHONY: bench
bench: build ## the floor, conductor-python and ours into docs/bench.json and README; QUICK=1, ARGS="--only capacity"
	cargo build --release --quiet --package conductor-bench-server
	$(BIN)/python -m benches.report --bench $(if $(QUICK),--quick) $(ARGS)
	$(BIN)/pytest benches tests/unit/convert/bench_codec.py --benchmark-only -q \
		--benchmark-columns=median,iqr,rounds $(if $(QUICK),--benchmark-max-time=0.1)

# Peers are built by the report itself: what is missing on this machine is told, not installed.
.PHONY: report
report: build ## every client of Conductor, here and on the real server, into docs/report.md; QUICK=1, ARGS="--only tls"
	cargo build --release --quiet --package conductor-bench-server
	$(BIN)/python -m benches.report $(if $(QUICK),--quick) $(ARGS)

.PHONY: instructions
instructions: build ## callgrind's count of split, write, update, decode, encode against the baseline; ARGS=--bless
	cargo build --release --quiet --package conductor-bench-instructions
	$(BIN)/python -m benches.instructions $(if $(findstring --bless,$(ARGS)),--bless)

.PHONY: bench-idle
bench-idle: build ## workers that are idle, beside blocked ones, and that outlast their response timeout; ARGS="--short"
	$(BIN)/python -m benches.idle_and_blocked $(ARGS)

.PHONY: bench-zero-change
bench-zero-change: build ## an unmodified application with and without `conductor-fast accelerate`; QUICK=1
	$(BIN)/python -m benches.zero_change $(if $(QUICK),--quick) $(ARGS)

.PHONY: wheel
wheel: $(TOOLS) ## a wheel for this interpreter, in dist/
	rm -rf dist
	$(BIN)/maturin build --release --quiet --interpreter $(BIN)/python --out dist
	@ls dist/*.whl

.PHONY: clean
clean: ## remove everything that the targets above made
	cargo clean --quiet
	rm -rf .venv dist .mypy_cache .ruff_cache .pytest_cache .benchmarks .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	rm -f python/conductor_fast/_core*.so
