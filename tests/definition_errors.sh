#!/usr/bin/env bash
# Seeds ten errors of definition into a copy of the product, one at a time, and expects the simulator's totals to catch each.
# `tests/definition_errors.sh WORDS` seeds only those whose name holds WORDS. Each is a substitution in one file; the copy is built with the same target folder, so each costs one incremental build.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$root/target/definition-errors}
export AVOW_LIBCHDB=${AVOW_LIBCHDB:-$root/.engine/libchdb.so}
derive=crates/warehouse/src/chain/derive.rs
resolve=processor/src/resolve.rs

errors=( # name | file | what | what instead
  "reopened prompts are decisions|$resolve|event.prompt != Prompt::UserOpened \&\& !automatic|!automatic"
  "machines make decisions|$resolve|\&\& !automatic \&\& !no_choice|\&\& !no_choice"
  "a dismissal is always a decision|$resolve|\&\& !automatic \&\& !no_choice|\&\& !automatic"
  "a dismissal refuses nothing|$resolve|let refusal = dismissed \&\& !no_choice;|let refusal = false;"
  "a category overrules its service|$resolve|(Some(named), _) => (state(\*named), \"named\"),|(Some(named), inherited) => (state(*inherited.unwrap_or(named)), \"named\"),"
  "mixed services grant their category|$resolve|(true, true) => PARTIAL,|(true, true) => GRANTED,"
  "purposes do not opt in|$resolve|event.purposes.values().any(.granted. \*granted)|false"
  "a bare withdrawal withdraws nothing|$resolve|(None, None) => everything,|(None, None) => false,"
  "reopened prompts are shown|$derive|type = 'shown' AND prompt != 'user_opened'|type = 'shown'"
  "bots are told by declaration alone|$derive|if(bot = 'no', 'no', 'yes')|if(bot = 'declared', 'yes', 'no')"
)

caught=0
seeded=0
for line in "${errors[@]}"; do
  IFS='|' read -r name file from to <<<"$line"
  [[ $name == *"${1:-}"* ]] || continue
  seeded=$((seeded + 1))
  git ls-files -z | grep -zvE '^(api/web|tests/browser|ingest/beacon)/' | xargs -0 cp --parents -t "$copy" 2>/dev/null
  cp -r --parents api/web/dist ingest/beacon/dist "$copy"
  sed -i "s#$from#$to#" "$copy/$file"
  if cmp -s "$file" "$copy/$file"; then echo "NOT SEEDED  $name"; exit 1; fi
  (cd "$copy" && cargo build --release --locked -q -p avow)
  cp "$CARGO_TARGET_DIR/release/avow" "$copy/avow-with-error"
  if AVOW_BIN="$copy/avow-with-error" AVOW_SOAK_EVENTS=20000 CARGO_TARGET_DIR=$root/target \
      cargo test --release --locked -q -p avow-tests --test e2e -- exact_totals::embedded >"$copy/told" 2>&1; then
    echo "MISSED      $name"
  else
    grep -q 'differences' "$copy/told" && { caught=$((caught + 1)); echo "caught      $name"; } || { echo "BROKE       $name"; tail -5 "$copy/told"; }
  fi
done
echo "$caught passed, $((seeded - caught)) failed"
[ "$caught" = "$seeded" ]
