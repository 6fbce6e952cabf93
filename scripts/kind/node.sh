# shellcheck shell=bash disable=SC2154
# The image of a Kind node: the public one by digest where a registry is in reach, else one made here of the programs
# above and of distribution packages. Either way it has one name, and the hash of what it was made from.

node=$root/scripts/kind/node

# The name says the version, as kind's own images do.
built_node() { printf 'prodmirror-built/node:%s' "$(kubernetes_version)"; }
taken_node() {
  local version=${public_node%@*}
  printf 'prodmirror-built/node:%s' "${version##*:}"
}

take_node() {
  take_image "$(taken_node)" "$public_node" "a node" --label prodmirror.role=docker.io/kindest/node
}

build_node() {
  local image content
  image=$(built_node)
  content=$(content_hash "$node" "$base_content" "$coredns_version" "$provisioner_version")
  [ "$(content_of "$image")" != "$content" ] || return 0
  ensure_base
  compile_node_programs
  build_cluster_images
  say "building $image"
  docker build --quiet --tag "$image" --build-arg "KUBERNETES=$(kubernetes_version)" \
    --build-context "images=$node_programs/images" \
    --label prodmirror.image=built --label "prodmirror.content=$content" "$node/image" >/dev/null ||
    die "building $image failed"
  # The node has them inside; what the engine keeps is needed no more.
  docker image rm "${cluster_images[@]}" >/dev/null
  rm -rf "$node_programs/images"
}

# The images that a cluster itself runs, for the node to carry: nothing of a cluster is ever pulled.
cluster_images=(prodmirror-node/control:built prodmirror-node/coredns:built prodmirror-node/pause:built prodmirror-node/tools:built)

build_cluster_images() {
  local image name
  say "building the cluster's own images"
  for image in "${cluster_images[@]}"; do
    name=${image#*/}
    docker build --quiet --tag "$image" --target "${name%:*}" --build-arg "BASE=$base_image" \
      --build-context "programs=$node_programs" --label prodmirror.image=built "$node/system" >/dev/null ||
      die "building $image failed"
  done
  mkdir -p "$node_programs/images"
  docker save --output "$node_programs/images/images.tar" "${cluster_images[@]}"
}
