#!/bin/sh
# Puts the ClickHouse engine, libchdb.so, into TARGET_DIR (by default .engine at the root of the repository).
#
#   crates/chbox/engine/fetch.sh [TARGET_DIR]
#
# The engine is the npm package that package-lock.json pins, by version and by integrity hash (npm refuses a package
# with another hash). 178 MB are downloaded, 566 MB are left on disk. A second call sees that the pinned version is
# there and returns at once. Concurrent calls are harmless: each unpacks apart, and a rename puts the file in place.
#
# Only Linux on x86-64 with glibc is pinned. The same publisher names packages for darwin and for arm64, but a lock
# file can only pin what has been fetched once and its hash seen; add them to package.json and lock them there.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
target=${1:-"$here/../../../.engine"}

case "$(uname -s)/$(uname -m)" in
Linux/x86_64) package=@chdb/lib-linux-x64-gnu ;;
*)
    echo "fetch.sh: no engine is pinned for $(uname -s)/$(uname -m); only Linux/x86_64 is. Use a ClickHouse server instead (AVOW_CLICKHOUSE__URL)." >&2
    exit 1
    ;;
esac

mkdir -p "$target"
target=$(cd "$target" && pwd)
pinned=$(cksum <"$here/package-lock.json")
if [ -f "$target/libchdb.so" ] && [ "$(cat "$target/pinned" 2>/dev/null)" = "$pinned" ]; then
    exit 0
fi

command -v npm >/dev/null 2>&1 || {
    echo "fetch.sh: npm is needed to fetch the engine; install Node.js (20 or newer)." >&2
    exit 1
}

work=$(mktemp -d "$target/fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT INT TERM
cp "$here/package.json" "$here/package-lock.json" "$work/"
echo "fetching the ClickHouse engine (178 MB) into $target" >&2
(cd "$work" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2)
mv -f "$work/node_modules/$package/libchdb.so" "$target/libchdb.so"
printf '%s\n' "$pinned" >"$target/pinned"
