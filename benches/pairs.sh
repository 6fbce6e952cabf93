# shellcheck shell=bash disable=SC2154
# Interleaved pairs of an `up` and the same by hand. Whoever reads this has `program`, `pairs`, a folder `work`, and the
# functions `up`, which prints its JSON, `by_hand` and `drop_hand`.

now() { date +%s%N; }
since() { echo $((($(now) - $1) / 1000000)); }
median() { sort -n | awk '{a[NR] = $1} END {print a[int((NR + 1) / 2)]}'; }
ratio() { awk "BEGIN {printf \"%.2f\", $1 / $2}"; }

# The example's seed of a store, on standard output.
seed() {
  local file
  for file in "examples/shop/seed/$1"/*; do
    case $file in *.gz) zcat "$file" ;; *.zst) zstd -dcq "$file" ;; *) cat "$file" ;; esac
  done
}

# The milliseconds of verify in the answer of an `up`.
of_verify() { jq '[.timings[] | select(.step == "verify").millis] | add' "$1"; }

# Leaves milliseconds, a line a pair: `ours` is `up` without verify, `verify`, `second` an `up` that finds nothing to do,
# `hand.ms`.
run_pairs() {
  local began all verify
  for _ in $(seq "$pairs"); do
    began=$(now)
    up >"$work/up.json"
    all=$(since "$began")
    verify=$(of_verify "$work/up.json")
    echo $((all - verify)) >>"$work/ours"
    echo "$verify" >>"$work/verify"
    began=$(now)
    up >/dev/null
    since "$began" >>"$work/second"
    "$program" down shop -q >/dev/null 2>&1
    began=$(now)
    by_hand
    since "$began" >>"$work/hand.ms"
    drop_hand
  done
}
