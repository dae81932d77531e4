#!/usr/bin/env bash
# Every test, suite by suite, each with its budget in minutes beside what it took. Stops at the first suite that fails.
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_TERM_COLOR=never CARGO_TERM_PROGRESS_WHEN=never NO_COLOR=1
# As the Makefile's FIRST.
[[ -e target/release/.fingerprint ]] || export CARGO_INCREMENTAL=0
begun=$SECONDS

suite() { # name, budget in minutes, command...
  local name=$1 budget=$2 start=$SECONDS
  shift 2
  printf '\n== %s (budget %s min)\n' "$name" "$budget"
  "$@"
  local took=$((SECONDS - start))
  printf '== %s took %d:%02d of %s:00\n' "$name" $((took / 60)) $((took % 60)) "$budget"
}

suite 'engine, beacon, page' 6 make --no-print-directory engine beacon web
suite 'build' 15 cargo build --release --locked --workspace --tests --bins
suite 'beacon' 1 npm --prefix ingest/beacon test --silent
suite 'page' 1 npm --prefix api/web test --silent
suite 'rust' 14 cargo test --release --locked --workspace -q
suite 'chaos' 9 cargo test --release --locked --workspace --test e2e -- --ignored chaos
suite 'signals' 1 bash -c 'npm --prefix tests/signals ci --silent --no-audit --no-fund && npm --prefix tests/signals test --silent'
suite 'chromium' 2 tests/browser/ensure-chromium.sh
suite 'browser packages' 1 npm --prefix tests/browser ci --silent --no-audit --no-fund
suite 'beacon in a browser' 8 npm --prefix tests/browser test --silent
suite 'avow in a browser' 8 npm --prefix tests/browser run test:avow --silent
suite 'ten questions' 2 node --test tests/questions/questions.test.mjs
printf '\nall suites passed in %d:%02d\n' $(((SECONDS - begun) / 60)) $(((SECONDS - begun) % 60))
