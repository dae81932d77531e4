#!/usr/bin/env bash
# The figures, in one run on one machine. Each bench prints its own lines; nothing here passes or fails by time.
set -euo pipefail
cd "$(dirname "$0")/../.."
echo '== single durable events/s, beside a bare handler that reads the body'
cargo bench --profile release --locked -q -p avow-ingest --bench throughput
echo '== appends/s of the log'
cargo bench --profile release --locked -q -p avow-log --bench append
echo '== leaves/s: the tree alone, and written to the engine'
cargo bench --profile release --locked -q -p avow-trees --bench grow
echo '== the whole server: replay, delay, memory'
cargo bench --profile release --locked -q -p avow-tests --bench system
echo '== the overview over 100 million decisions, beside the same SQL (an hour; AVOW_BENCH_DECISIONS for fewer)'
cargo bench --profile release --locked -q -p avow-tests --bench latency
echo '== an export of a million records, and its verification'
cargo bench --profile release --locked -q -p avow-tests --bench export
echo '== sizes'
printf 'binary %s bytes, without debug lines %s\n' "$(stat -c %s target/release/avow)" \
  "$(cp target/release/avow /tmp/avow-stripped && strip /tmp/avow-stripped && stat -c %s /tmp/avow-stripped && rm /tmp/avow-stripped)"
printf 'verifier for the page %s bytes, the page %s bytes brotli\n' "$(stat -c %s target/wasm/avow_verify.wasm)" "$(stat -c %s api/web/dist/verify.html.br)"
printf 'beacon %s bytes gzip\n' "$(gzip -9c ingest/beacon/dist/beacon.js | wc -c)"
