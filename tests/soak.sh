#!/usr/bin/env bash
# The long runs: a million events embedded and over Kafka, a million leaves before a foreign verifier, 20 kills, 100 million
# ids, the chain's simulation and races at length, the API against its document, and the seeded errors of definition.
set -euo pipefail
cd "$(dirname "$0")/.."
export AVOW_SOAK_EVENTS=${AVOW_SOAK_EVENTS:-1000000} AVOW_SOAK_KILLS=${AVOW_SOAK_KILLS:-20} AVOW_SOAK_IDS=${AVOW_SOAK_IDS:-100000000}
cargo test --release --locked -p avow-tests --test e2e -- --test-threads=1 --nocapture exact_totals kills for_ever
AVOW_SOAK_LEAVES=${AVOW_SOAK_LEAVES:-1000000} AVOW_SOAK_FSCK_SECONDS=900 \
    cargo test --release --locked -p avow-tests --test e2e -- --nocapture fsck
AVOW_SOAK_SIMULATIONS=${AVOW_SOAK_SIMULATIONS:-100000} AVOW_SOAK_RACES=${AVOW_SOAK_RACES:-300} \
    AVOW_SOAK_SEQUENCES=${AVOW_SOAK_SEQUENCES:-40} cargo test --release --locked -p avow-warehouse --test chain -- --nocapture
AVOW_SOAK_EXAMPLES=${AVOW_SOAK_EXAMPLES:-100} cargo test --release --locked -p avow-tests --test e2e -- --nocapture described
tests/definition_errors.sh
