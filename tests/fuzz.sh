#!/usr/bin/env bash
# Every fuzz target for SECONDS_EACH seconds (300). Needs cargo-fuzz, which is installed if it is missing.
set -euo pipefail
cd "$(dirname "$0")/.."
command -v cargo-fuzz >/dev/null || cargo install --locked cargo-fuzz
for folder in schemas ingest crates/log crates/chbox; do
  for target in $(cd "$folder" && cargo +nightly fuzz list); do
    echo "== $folder $target"
    (cd "$folder" && cargo +nightly fuzz run "$target" -- -max_total_time="${SECONDS_EACH:-300}" -rss_limit_mb=4096)
  done
done
