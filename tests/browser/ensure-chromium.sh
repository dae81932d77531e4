#!/bin/sh
# Installs Debian's chromium package if no Chromium is found: the browser that the tests in this folder drive.
# Works as root or through sudo; otherwise it says what to do. Quiet unless something fails.
set -eu

if [ -n "${CHROMIUM:-}" ] && [ -x "$CHROMIUM" ]; then exit 0; fi
if command -v chromium >/dev/null 2>&1 || command -v chromium-browser >/dev/null 2>&1; then exit 0; fi

if ! command -v apt-get >/dev/null 2>&1; then
  echo "Chromium is needed and this system has no apt-get: install Chromium and set CHROMIUM to its path." >&2
  exit 1
fi
if [ "$(id -u)" = 0 ]; then sudo=
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then sudo="sudo -n"
else
  echo "Chromium is needed. As root, run: apt-get update && apt-get install -y --no-install-recommends chromium" >&2
  exit 1
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { $sudo apt-get update -qq && $sudo env DEBIAN_FRONTEND=noninteractive \
       apt-get install -y -qq --no-install-recommends chromium; } >"$log" 2>&1; then
  cat "$log" >&2
  echo "Chromium could not be installed; see above." >&2
  exit 1
fi
