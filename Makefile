# The verbs of the project. `make run` and `make test` need nothing but Rust, Node (and for the tests Java and Maven);
# whatever else is missing they bring or name.

SHELL := /bin/bash
CARGO ?= cargo
BIN := target/release/avow
# What is compiled for the first time is compiled faster by itself than for being changed.
FIRST := $(if $(wildcard target/release/.fingerprint),,CARGO_INCREMENTAL=0)

.PHONY: help run build test bench soak chaos clock fuzz lint fmt clean engine web beacon verifier screens

help: ## This list.
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

run: build ## Build, start everything on this machine with simulated sites, print where the dashboard is.
	@$(BIN) demo

build: engine beacon web ## Build target/release/avow and what it embeds.
	$(FIRST) $(CARGO) build --release --locked -p avow

engine: .engine/libchdb.so ## Fetch the embedded ClickHouse engine (178 MB, once).
.engine/libchdb.so: crates/chbox/engine/package-lock.json
	@crates/chbox/engine/fetch.sh .engine && touch $@

beacon: ingest/beacon/dist/beacon.js ## Build the browser SDK.
ingest/beacon/dist/beacon.js: $(shell find ingest/beacon/src -type f) ingest/beacon/package-lock.json
	@cd ingest/beacon && npm ci --silent --no-audit --no-fund && npm run --silent build && touch dist/beacon.js

verifier: target/wasm/avow_verify.wasm ## Build the verifier as WebAssembly.
target/wasm/avow_verify.wasm: $(shell find crates/verify crates/verify-wasm crates/ledger/src -type f \( -name '*.rs' -o -name '*.toml' -o -name '*.sh' \)) Cargo.lock
	@crates/verify-wasm/build.sh

web: api/web/dist/verify.html ## Build the page.
PAGE := $(shell find api/web/src api/web/messages -path api/web/src/paraglide -prune -o -type f -print) \
        $(addprefix api/web/,index.html vite.config.ts messages.ts compress.ts package-lock.json project.inlang/settings.json) \
        $(addprefix api/web/,verify.html verify.config.ts inline.ts) target/wasm/avow_verify.wasm
api/web/dist/verify.html: $(PAGE)
	@cd api/web && npm ci --silent --no-audit --no-fund && npm run --silent build && touch dist/verify.html

test: ## Every test, real engines included.
	@tests/run.sh

bench: build ## The figures, side by side.
	@tests/bench/run.sh

soak: build ## The long runs: a million events, embedded and over Kafka.
	@tests/soak.sh

screens: build ## Take every page for docs/screens.md (needs Chromium).
	@tests/browser/ensure-chromium.sh chromium-l10n && npm --prefix tests/browser ci --silent --no-audit --no-fund && node tests/browser/screens.mjs

chaos: build ## Faults under load, ten seeds, half an hour: lost 0, doubled 0.
	@tests/chaos.sh

clock: ## README's steps by the clock, from a clone to the first event of a page (CLOCK=--built takes the binary that is there).
	@tests/browser/ensure-chromium.sh && npm --prefix tests/browser ci --silent --no-audit --no-fund && node tests/clock/clock.mjs $(CLOCK)

fuzz: ## Every fuzz target, five minutes each (SECONDS_EACH=300).
	@tests/fuzz.sh

lint: ## Formatting, clippy, licences and the page's types.
	$(CARGO) fmt --all --check
	$(CARGO) clippy --release --locked --workspace --all-targets -- -D warnings
	cd api/web && npm run --silent check
	cd ingest/beacon && npm run --silent check

fmt: ## Format everything.
	$(CARGO) fmt --all

clean: ## Remove what was built (not the engine).
	$(CARGO) clean
	rm -rf api/web/dist ingest/beacon/dist
