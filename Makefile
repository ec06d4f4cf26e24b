# `make help` lists what there is. Cheap checks come before expensive ones everywhere.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:

CARGO := cargo
# `make demo ARGS="--listen 127.0.0.1:9000"`
ARGS :=
TARGET := $(or $(CARGO_TARGET_DIR),target)
# cargo-nextest runs the tests of all crates side by side; without it cargo does one crate after the other.
RUST_TEST := $(if $(shell command -v cargo-nextest),nextest run,test --lib --bins --tests)

.PHONY: help demo test deps ui release packages lint fmt bench fuzz api-fuzz screenshots page-speed
.PHONY: check-scripts check-rust-format check-ui check-clippy check-docs test-ui test-rust test-browser

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-11s  %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ui ## Build everything, release a sample app on this machine, serve the UI
	$(CARGO) build --locked -p davit
	$(TARGET)/debug/davit demo $(ARGS)

test: deps check-scripts check-rust-format check-ui test-ui ui check-clippy test-rust check-docs test-browser ## Install what tests need, then check and test everything
	@echo "make test: every check and every test passed"

deps: ## Install the Debian packages that tests need
	@scripts/install-test-tools

ui: ui/dist/index.html ## Build the web pages that the binary embeds

release: ui ## Build the binary that people install
	$(CARGO) build --locked --release -p davit
	@ls -lh $(TARGET)/release/davit

packages: release ## Build a Debian package (needs cargo-deb; see packaging/README.md)
	packaging/build-deb

lint: check-scripts check-rust-format check-ui check-clippy ## Check the form of everything, run nothing

fmt: | ui/node_modules ## Bring all code into its form
	$(CARGO) fmt --all
	cd ui && npm run --silent format

bench: ui ## Compare releases to many hosts with other tools
	bench/run

# FUZZ_SECONDS each; needs a nightly compiler, and says so.
FUZZ_SECONDS := 30
fuzz: ## Throw nonsense at everything that reads what strangers send
	fuzz/run $(FUZZ_SECONDS)

api-fuzz: ui ## Throw generated requests at every route of the API (schemathesis from PyPI; needs Python 3)
	$(CARGO) build --locked -p davit
	scripts/api-fuzz $(TARGET)/debug/davit

check-scripts:
	@for script in .ci/run fuzz/run packaging/build-deb scripts/*; do bash -n $$script; done
	@if command -v shellcheck >/dev/null; then shellcheck --severity=warning .ci/run fuzz/run packaging/build-deb packaging/check scripts/*; fi
	@packaging/check --fetch
	@scripts/check-dependencies

check-rust-format:
	$(CARGO) fmt --all --check

check-ui: | ui/node_modules e2e/node_modules
	cd ui && npm run --silent format:check && npm run --silent lint && npm run --silent typecheck
	cd e2e && npm run --silent typecheck

check-clippy:
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings

check-docs:
	$(CARGO) test --locked --workspace --doc
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --workspace --no-deps --document-private-items

test-ui: | ui/node_modules
	cd ui && npm test --silent

# Stores and everything above them are tested on SQLite and on PostgreSQL. Whoever starts this in the background has
# Ctrl-C ignored, which all children inherit; the tests send it. Properties are held against the same cases everywhere;
# new ones are drawn by `cargo nextest run`.
test-rust: | e2e/node_modules
	DAVIT_WEBHOOK_EXAMPLES=$(CURDIR)/e2e/node_modules/@octokit/webhooks-examples \
	DAVIT_WORKFLOW_PARSER=$(CURDIR)/e2e/node_modules/@actions/workflow-parser \
	DAVIT_GITHUB_OPENAPI=$(CURDIR)/e2e/node_modules/@octokit/openapi/generated/api.github.com.json \
	PROPTEST_RNG_SEED=1 \
		env --default-signal=INT,QUIT scripts/postgres-for-tests run $(CARGO) $(RUST_TEST) --locked --workspace --no-fail-fast

# The binary is the one of the Rust tests: `cargo build` takes other features of some dependencies, and would build all
# crates once more.
test-browser: ui | e2e/node_modules
	$(CARGO) $(RUST_TEST) --locked --workspace --no-run
	cd e2e && DAVIT_BIN=$(abspath $(TARGET))/debug/davit npm test --silent

screenshots: ui | e2e/node_modules ## Write pictures of every page, and those of the guide
	$(CARGO) build --locked -p davit
	cd e2e && DAVIT_BIN=$(abspath $(TARGET))/debug/davit npm run --silent screenshots

page-speed: release | e2e/node_modules ## Measure how fast the first page is and what it weighs
	cd e2e && DAVIT_BIN=$(abspath $(TARGET))/release/davit npm run --silent page-speed

%/node_modules: %/package.json %/package-lock.json
	@node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' || \
		{ echo "Node.js 20.19 or newer is needed" >&2; exit 1; }
	cd $* && npm ci --no-audit
	@touch $@

ui/dist/index.html: $(wildcard ui/*.* ui/public/*) $(shell find ui/src -type f) | ui/node_modules
	cd ui && npm run --silent build
