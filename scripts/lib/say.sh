# shellcheck shell=bash
# What every script here starts with: where the repository is, how to talk, how to become root.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
# shellcheck disable=SC2034  # read by the scripts that source this file
cache=$target/setup

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
die() {
  say "$*"
  exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }

# Runs a command as root: directly, or with sudo.
as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif have sudo; then
    sudo -- "$@"
  else
    die "'$1' needs root: run this as root, or install sudo"
  fi
}

# version_at_least 2.30 2.40.3: is the second at least the first?
version_at_least() {
  [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]
}
