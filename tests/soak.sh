#!/usr/bin/env bash
# The long runs: a million events embedded and over Kafka, 20 kills, and the seeded errors of definition.
set -euo pipefail
cd "$(dirname "$0")/.."
export AVOW_SOAK_EVENTS=${AVOW_SOAK_EVENTS:-1000000} AVOW_SOAK_KILLS=${AVOW_SOAK_KILLS:-20}
cargo test --release --locked -p avow-tests --test e2e -- --test-threads=1 --nocapture exact_totals kills
tests/definition_errors.sh
