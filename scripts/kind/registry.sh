# shellcheck shell=bash disable=SC2154
# The image of the registries that nodes pull through: the public one by digest where a registry is in reach, else one
# made here of distribution packages. Either way it has one name, and the hash of what it was made from.

registry_image=prodmirror-built/registry:2

take_registry() {
  take_image "$registry_image" "$public_registry" "one" --label prodmirror.role=docker.io/library/registry
}

build_registry() { build_image "$registry_image" "$root/scripts/kind/registry"; }
