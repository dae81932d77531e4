#!/usr/bin/env bash
# Every fuzz target for SECONDS_EACH seconds (300). Needs cargo-fuzz, which is installed if it is missing.
set -euo pipefail
cd "$(dirname "$0")/.."
command -v cargo-fuzz >/dev/null || cargo install --locked cargo-fuzz
for folder in schemas ingest crates/log crates/chbox crates/ledger crates/stamp crates/signals; do
  for target in $(cd "$folder" && cargo +nightly fuzz list); do
    echo "== $folder $target"
    # Safe Rust: panics and memory are what can go wrong, and without the sanitizer the C libraries beside it link.
    (cd "$folder" && mkdir -p "fuzz/corpus/$target" && cargo +nightly fuzz run --sanitizer none "$target" "fuzz/corpus/$target" $(ls -d "fuzz/seeds/$target" 2>/dev/null) -- -max_total_time="${SECONDS_EACH:-300}" -rss_limit_mb=4096)
  done
done
