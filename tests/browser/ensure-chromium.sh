#!/bin/sh
# Installs Debian's chromium package if no Chromium is found: the browser that the tests in this folder drive. Arguments name
# packages that are wanted beside it: chromium-l10n, for what the browser itself says in other languages.
# Works as root or through sudo; otherwise it says what to do. Quiet unless something fails.
set -eu

wanted=
if ! { [ -n "${CHROMIUM:-}" ] && [ -x "$CHROMIUM" ]; } && ! command -v chromium >/dev/null 2>&1 && ! command -v chromium-browser >/dev/null 2>&1
then wanted=chromium; fi
if command -v dpkg >/dev/null 2>&1; then
  for package in "$@"; do dpkg -s "$package" >/dev/null 2>&1 || wanted="$wanted $package"; done
fi
[ -n "$wanted" ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
  echo "Chromium is needed and this system has no apt-get: install Chromium and set CHROMIUM to its path." >&2
  exit 1
fi
if [ "$(id -u)" = 0 ]; then sudo=
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then sudo="sudo -n"
else
  echo "Needed:$wanted. As root, run: apt-get update && apt-get install -y --no-install-recommends $wanted" >&2
  exit 1
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { $sudo apt-get update -qq && $sudo env DEBIAN_FRONTEND=noninteractive \
       apt-get install -y -qq --no-install-recommends $wanted; } >"$log" 2>&1; then
  cat "$log" >&2
  echo "Could not be installed: $wanted; see above." >&2
  exit 1
fi
