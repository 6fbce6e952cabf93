# shellcheck shell=bash disable=SC2154
# A Go toolchain: the one that is there if it is new enough or can fetch a newer one, else a distribution's.

# What the modules that we compile ask for.
go_least=1.24
# From here on Go fetches the toolchain that a module asks for by itself.
go_fetches_since=1.21

go_version() { go env GOVERSION 2>/dev/null | sed 's/^go//'; }

ensure_go() {
  have go || install_go
  version_at_least $go_least "$(go_version)" && return
  version_at_least $go_fetches_since "$(go_version)" ||
    die "Go $(go_version) is too old, $go_least is needed, and it is not ours to replace: put a newer go on PATH, or remove it and repeat"
  say "Go $(go_version) fetches a newer toolchain for what asks for one"
  export GOTOOLCHAIN=auto
}

install_go() {
  read_distribution
  say "no Go toolchain here"
  # Bookworm's own cannot fetch a newer one.
  [ "$os_codename" != bookworm ] || apt_add_next_release golang-go 'golang-*'
  apt_install golang-go
  hash -r
}

# go_build FOLDER PROGRAM [FLAG…]: the static program of a module of ours.
go_build() {
  local folder=$1 program=$2
  shift 2
  (cd "$folder" && CGO_ENABLED=0 go build -buildvcs=false -trimpath -mod=readonly "$@" -o "$program" .)
}

# go_fetch FOLDER MODULE@VERSION: the static program of somebody else's module, checked by Go's checksum database.
go_fetch() { CGO_ENABLED=0 GOBIN=$1 GOFLAGS=-buildvcs=false go install -trimpath -ldflags '-s -w' "$2"; }
