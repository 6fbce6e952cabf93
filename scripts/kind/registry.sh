# shellcheck shell=bash disable=SC2154
# The image of the registries that nodes pull through: the public one by digest where a registry is in reach, else one
# made here of distribution packages. Either way it has one name, and the hash of what it was made from.

registry_image=prodmirror-built/registry:2

take_registry() {
  local content="public $public_registry"
  [ "$(content_of "$registry_image")" != "$content" ] || return 0
  say "pulling $public_registry as $registry_image"
  printf 'FROM %s\n' "$public_registry" |
    docker build --quiet --tag "$registry_image" --label prodmirror.image=built --label "prodmirror.content=$content" \
      --label prodmirror.role=docker.io/library/registry - >/dev/null ||
    die "pulling $public_registry failed; PRODMIRROR_REGISTRY=no builds it from distribution packages instead"
}

build_registry() {
  local content folder=$root/scripts/kind/registry
  content=$(content_hash "$folder" "$base_content")
  [ "$(content_of "$registry_image")" != "$content" ] || return 0
  ensure_base
  say "building $registry_image"
  docker build --quiet --tag "$registry_image" --build-arg "BASE=$base_image" \
    --label prodmirror.image=built --label "prodmirror.content=$content" "$folder" >/dev/null ||
    die "building $registry_image failed; to see all of it: docker build --build-arg BASE=$base_image $folder"
}
