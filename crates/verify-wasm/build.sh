#!/usr/bin/env bash
# Builds the verifier as WebAssembly: target/wasm/avow_verify.wasm. The standard library for it comes from, whichever is
# there: the rustup target; `rustup target add`; Debian's Rust of rustc-web and rust-web-src, unpacked under target/ and not
# installed, which compiles it. VERIFY_WASM_STD=installed|rustup|debian takes one way alone.
set -euo pipefail
cd "$(dirname "$0")/../.."
export CARGO_TERM_COLOR=never
CARGO=${CARGO:-cargo}
TARGET=wasm32-unknown-unknown
FOLDER=$PWD/target/wasm
DEBIAN=$FOLDER/debian
OUT=$FOLDER/avow_verify.wasm
LOG=$FOLDER/build.log
mkdir -p "$FOLDER"

wanted() { [ "${VERIFY_WASM_STD:-$1}" = "$1" ]; }

installed() { [ -d "$(rustc --print sysroot)/lib/rustlib/$TARGET/lib" ]; }

compile() { # more arguments for cargo...
  CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS="-C link-arg=--max-memory=2147483648" \
    $CARGO rustc --locked --lib --crate-type cdylib --profile wasm -p avow-verify-wasm --target $TARGET \
    --target-dir "$FOLDER${1:+/std}" "$@" >"$LOG" 2>&1 || { cat "$LOG" >&2; return 1; }
  cp "$FOLDER${1:+/std}/$TARGET/wasm/avow_verify_wasm.wasm" "$OUT"
}

# Whether Debian's compiler, as unpacked, has every library that it needs.
complete() { ! ldd "$(echo "$DEBIAN"/usr/lib/*/librustc_driver-*.so)" | grep -q 'not found'; }

fetch() { # packages...
  (cd "$DEBIAN/packages" && apt-get -qq download "$@") || return 1
  local package
  for package in "$DEBIAN"/packages/*.deb; do dpkg-deb -x "$package" "$DEBIAN" || return 1; done
}

# Debian's compiler with its library's sources under $DEBIAN/usr. What its LLVM stands on, libraries that are in nobody's
# way, is installed where it is missing and this may.
unpack() {
  [ -f "$DEBIAN/complete" ] && return
  command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || return 1
  rm -rf "$DEBIAN" && mkdir -p "$DEBIAN/packages"
  if ! apt-cache show rustc-web >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then apt-get update -qq || return 1; fi
  local std llvm
  std=$(apt-cache depends libstd-rust-web-dev 2>/dev/null | grep -om1 'libstd-rust-web-[0-9.]*$') || return 1
  fetch rustc-web rust-web-src libstd-rust-web-dev "$std" || return 1
  export LD_LIBRARY_PATH=$(echo "$DEBIAN"/usr/lib/*-linux-gnu)
  llvm=$(dpkg-deb -f "$DEBIAN/packages/$std"_*.deb Depends | grep -o 'libllvm[0-9]*')
  complete || fetch "$llvm" || return 1
  if ! complete; then
    [ "$(id -u)" = 0 ] && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$llvm" || return 1
  fi
  rm -r "$DEBIAN/packages" && touch "$DEBIAN/complete"
}

with_debian() {
  { unpack >"$LOG" 2>&1; } || return 1
  local lld
  lld=$(echo "$(rustc --print sysroot)"/lib/rustlib/*/bin/rust-lld)
  [ -x "$lld" ] || lld=$(command -v lld wasm-ld rust-lld | head -1)
  LD_LIBRARY_PATH=$(echo "$DEBIAN"/usr/lib/*-linux-gnu) RUSTC=$DEBIAN/usr/bin/rustc RUSTC_BOOTSTRAP=1 \
    CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=$lld compile -Z build-std=std,panic_abort
}

if wanted installed && installed; then compile
elif wanted rustup && command -v rustup >/dev/null && rustup target add $TARGET >"$LOG" 2>&1; then compile
elif wanted debian && with_debian; then :
else
  tail -5 "$LOG" >&2 || true
  cat >&2 <<'TEXT'
The page /verify needs Rust's standard library for WebAssembly, and there was no way to it. One of these mends that:
  rustup target add wasm32-unknown-unknown
  apt-get install rustc-web rust-web-src    as root, where Rust is Debian's
TEXT
  exit 1
fi
