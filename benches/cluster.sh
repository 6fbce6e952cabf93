#!/usr/bin/env bash
# Whole runs on a Kind cluster: `prodmirror up` beside kubectl with the same rendered files, as medians of interleaved
# pairs, on a cluster that is warm; with COLD=1 once with the cluster made by each. Needs `make setup-kind` and jq.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
program=$PWD/target/release/prodmirror
profile=profiles/shop.yaml
pairs=${PAIRS:-5}
work=$(mktemp -d)
export PATH=$PWD/target/release:$PATH PRODMIRROR_OWNER=bench-$$@here PRODMIRROR_STATE=$work/state KUBECONFIG=$work/kubeconfig
cold=bench-cold-$$
trap '"$program" down --all -q >/dev/null 2>&1 || true; "$program" gc -q >/dev/null 2>&1 || true
  kind delete cluster --quiet --name "$cold" 2>/dev/null || true; rm -rf "$work"' EXIT

# shellcheck source=benches/pairs.sh
. benches/pairs.sh

# Requests that leave room on two cores: what waits for room is no work of ours.
small=()
for place in services.api services.worker jobs.migrate stores.db stores.cache; do
  small+=(--set "$place.resources.requests.cpu=50m")
done
up() { "$program" up $profile --backend kind "${small[@]}" --format json -q "$@" 2>/dev/null; }

"$program" render $profile --backend kind --name byhand "${small[@]}" -o "$work/hand" -q >/dev/null
for name in DB_PASSWORD DB_PASSWORD_URL CACHE_PASSWORD CACHE_PASSWORD_URL; do export "$name=0123456789abcdef"; done
SIGNING_KEY=$(openssl genrsa 2048 2>/dev/null) && export SIGNING_KEY
# The files name the public images; where no registry is in reach, those of the same role stand in, as `up` has them.
stand_ins() {
  "$program" ledger shop --all --format json | jq -r '
    .entries[] | select(.path | endswith(".image")) | "\(.path) \(.why // "")"' |
    sed -n 's/^[a-z]*\.\([a-z]*\)\.image \([^ ,]*\), built here for the same role.*/\1 \2/p'
}

wait_for() { kubectl --context "$context" --namespace pm-byhand rollout status --timeout 300s "$@" >/dev/null; }
by_hand() {
  local k=(kubectl --context "$context")
  "${k[@]}" apply -f "$work/hand/00-mirror.yaml" >/dev/null
  sh "$work/hand/secrets.sh" --context "$context" >/dev/null 2>&1
  "${k[@]}" apply -f "$work/hand/01-services.yaml" -f "$work/hand/02-cache.yaml" -f "$work/hand/02-db.yaml" >/dev/null
  local in=("${k[@]}" --namespace pm-byhand exec -i)
  until "${in[@]}" db-0 -- pg_isready -q -U shop -d shop 2>/dev/null; do sleep 0.1; done
  seed db | "${in[@]}" db-0 -- psql -q -v ON_ERROR_STOP=1 -U shop -d shop >/dev/null
  until "${in[@]}" cache-0 -- sh -c 'REDISCLI_AUTH='"$CACHE_PASSWORD"' redis-cli ping' >/dev/null 2>&1; do sleep 0.1; done
  seed cache | "${in[@]}" cache-0 -- sh -c 'REDISCLI_AUTH='"$CACHE_PASSWORD"' redis-cli --pipe' >/dev/null
  wait_for statefulset/db && wait_for statefulset/cache
  "${k[@]}" apply -f "$work/hand/03-migrate.yaml" >/dev/null
  "${k[@]}" --namespace pm-byhand wait --for=condition=complete --timeout 300s job/migrate >/dev/null
  "${k[@]}" apply -f "$work/hand/04-api.yaml" -f "$work/hand/04-worker.yaml" >/dev/null
  wait_for deployment/api && wait_for deployment/worker
}
drop_hand() { kubectl --context "$context" delete namespace pm-byhand --grace-period 1 >/dev/null 2>&1; }

began=$(now)
up >"$work/first.json"
first=$(since "$began")
cluster=$(kind get clusters --quiet | grep "^pm-$(printf %s "$PRODMIRROR_OWNER" | sha256sum | cut -c 1-8)-")
kind export kubeconfig --quiet --name "$cluster"
context=kind-$cluster
while read -r store image; do
  sed -i "s|image: .*|image: $image|" "$work/hand/02-$store.yaml"
done < <(stand_ins)
"$program" down shop -q >/dev/null 2>&1

run_pairs
ours=$(median <"$work/ours") hand=$(median <"$work/hand.ms")
printf 'first up, cluster made  %6d ms\n' "$first"
printf 'up, warm, verify apart  %6d ms\nkubectl by hand         %6d ms\nratio                   %6s\n' \
  "$ours" "$hand" "$(ratio "$ours" "$hand")"
printf 'verify                  %6d ms\nsecond up, with verify  %6d ms\n' \
  "$(median <"$work/verify")" "$(median <"$work/second")"

[ "${COLD:-}" ] || exit 0
image=$(docker image ls --filter label=prodmirror.role=docker.io/kindest/node --format '{{.Repository}}:{{.Tag}}' | head -1)
cat >"$work/cold.yaml" <<'END'
kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
kubeadmConfigPatches:
- |
  kind: KubeletConfiguration
  apiVersion: kubelet.config.k8s.io/v1beta1
  allowedUnsafeSysctls: [net.core.somaxconn]
END
began=$(now)
kind create cluster --quiet --name "$cold" --config "$work/cold.yaml" ${image:+--image "$image"} --wait 120s
mapfile -t images < <(sed -n 's/^ *image: //p' "$work"/hand/*.yaml | tr -d '"' | sort -u)
docker save --output "$work/images.tar" "${images[@]}"
kind load image-archive "$work/images.tar" --quiet --name "$cold"
context=kind-$cold
by_hand
hand=$(since "$began")
kind delete cluster --quiet --name "$cold"
began=$(now)
up --fresh-cluster >"$work/up.json"
all=$(since "$began")
ours=$((all - $(of_verify "$work/up.json")))
printf 'up, cold, verify apart  %6d ms\nkind and kubectl        %6d ms\nratio                   %6s\n' \
  "$ours" "$hand" "$(ratio "$ours" "$hand")"
