#!/usr/bin/env bash
# Whole runs: `prodmirror up` beside a script that does the same by hand, as medians of interleaved pairs; a second
# `up`; mirrors side by side; what the helpers take. Needs `make setup` and docker, jq, curl.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
program=$PWD/target/release/prodmirror
profile=profiles/shop.yaml
pairs=${PAIRS:-5}
side=${SIDE:-10}
work=$(mktemp -d)
owner=bench-$$@here
export PRODMIRROR_OWNER=$owner PRODMIRROR_STATE=$work/state
trap '"$program" down --all -q >/dev/null 2>&1 || true; rm -rf "$work"' EXIT

# shellcheck source=benches/pairs.sh
. benches/pairs.sh

up() { "$program" up -f $profile --format json -q 2>/dev/null; }

# By hand: the rendered files, their seeds, and curl until the api is ready.
"$program" render -f $profile --name byhand -o "$work/hand" -q >/dev/null
docker load -q -i "$work/hand/helper.tar" >/dev/null
secrets=$(sed -n 's/.*\${\([A-Z_]*\):?.*/\1/p' "$work/hand/compose.yaml" | sort -u)
for name in $secrets; do export "$name=0123456789abcdef"; done
by_hand() {
  local compose=(docker compose -f "$work/hand/compose.yaml")
  "${compose[@]}" up -d --quiet-pull db.0.main cache.0.main >/dev/null 2>&1
  until "${compose[@]}" exec -T db.0.main pg_isready -q -U shop -d shop; do sleep 0.1; done
  seed db | "${compose[@]}" exec -T db.0.main psql -q -v ON_ERROR_STOP=1 -U shop -d shop >/dev/null
  seed cache | "${compose[@]}" exec -T -e REDISCLI_AUTH="$CACHE_PASSWORD" cache.0.main redis-cli --pipe >/dev/null
  "${compose[@]}" up -d >/dev/null 2>&1
  local port
  port=$("${compose[@]}" port pm.gateway 20001 | cut -d: -f2)
  until curl -fsS -o /dev/null "http://127.0.0.1:$port/readyz" 2>/dev/null; do sleep 0.05; done
}
drop_hand() { docker compose -f "$work/hand/compose.yaml" down -v -t 1 >/dev/null 2>&1; }

run_pairs
ours=$(median <"$work/ours") hand=$(median <"$work/hand.ms")
printf 'up, verify apart        %6d ms\nby hand                 %6d ms\nratio                   %6s\n' "$ours" "$hand" \
  "$(ratio "$ours" "$hand")"
printf 'verify                  %6d ms\nsecond up, with verify  %6d ms\n' "$(median <"$work/verify")" "$(median <"$work/second")"

began=$(now)
jobs=()
for number in $(seq "$side"); do
  "$program" up -f $profile --name "side$number" --timeout 300s -q >/dev/null 2>"$work/side$number.log" &
  jobs+=($!)
done
failed=0
for number in $(seq "$side"); do
  wait "${jobs[number - 1]}" || {
    failed=$((failed + 1))
    sed "s/^/side$number: /" "$work/side$number.log" >&2
  }
done
printf '%d mirrors side by side %6d ms, %d failed\n' "$side" "$(since "$began")" "$failed"

# Anonymous memory is what a process itself takes; file pages are this program's own text, shared by all helpers.
for kind in pause gateway keeper; do
  id=$(docker ps -q --filter "label=prodmirror.owner=$owner" --filter "label=prodmirror.kind=$kind" | head -1)
  [ -n "$id" ] || continue
  pid=$(docker inspect -f '{{.State.Pid}}' "$id")
  awk -v kind="$kind" '/^Vm?RSS|^RssAnon/ {v[$1] = $2} END {printf "%-8s resident %6d kB, of it anonymous %6d kB\n", kind, v["VmRSS:"], v["RssAnon:"]}' "/proc/$pid/status"
done
