# shellcheck shell=bash disable=SC2154
# Images that are built here. Each carries the hash of what it was made from, so that an unchanged one is not built again.

# An attestation would hold the time, and so give an unchanged image a new id at every build.
export BUILDX_NO_DEFAULT_ATTESTATIONS=1

images=$root/examples/images
base_image=prodmirror-built/debian:bookworm
# Counts up when the way of making the base changes.
base_content=debian-bookworm-minbase-2

# Can the engine pull a tiny public image? The answer is kept for ten minutes, as a silent network takes long to say no.
registry_answers() {
  local answer=$cache/registry
  case ${PRODMIRROR_REGISTRY:-} in
    yes) return 0 ;;
    no) return 1 ;;
    '') ;;
    *) die "PRODMIRROR_REGISTRY is yes or no, not '$PRODMIRROR_REGISTRY'" ;;
  esac
  if [ -z "$(find "$answer" -mmin -10 2>/dev/null)" ]; then
    say "asking whether an image registry is in reach"
    mkdir -p "$cache"
    if timeout 10 docker pull --quiet hello-world >/dev/null 2>&1; then echo yes; else echo no; fi >"$answer"
  fi
  [ "$(cat "$answer")" = yes ]
}

content_of() { docker image inspect --format '{{index .Config.Labels "prodmirror.content"}}' "$1" 2>/dev/null; }

# The hash of a folder's files (names, run bits, contents) and of what else goes into the image.
content_hash() {
  local folder=$1
  shift
  {
    printf '%s\n' "$@"
    cd "$folder" && find . -type f -printf '%P %m\n' | LC_ALL=C sort
    find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
  } | sha256sum | cut -d ' ' -f 1
}

# The base of all built roles: a minimal Debian, made from the distribution's packages.
ensure_base() {
  local tar=$cache/$base_content.tar
  [ "$(content_of $base_image)" != "$base_content" ] || return 0
  if [ ! -s "$tar" ]; then
    have mmdebstrap || apt_install mmdebstrap
    [ -e /usr/share/keyrings/debian-archive-keyring.gpg ] || apt_install debian-archive-keyring
    make_base "$tar"
  fi
  say "building $base_image"
  docker import --change 'CMD ["bash"]' --change 'LABEL prodmirror.image=built' \
    --change "LABEL prodmirror.content=$base_content" "$tar" $base_image >/dev/null
}

make_base() {
  local sources=()
  say "making a minimal Debian (mmdebstrap, about a minute): $1"
  mkdir -p "$cache"
  mapfile -t sources < <(base_sources)
  as_root mmdebstrap --quiet --variant=minbase --format=tar \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/info/*' \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
    bookworm "$1.part" "${sources[@]}" >&2 || die "mmdebstrap failed"
  mv "$1.part" "$1"
}

# The archive that this machine uses, if it is Debian's; nothing elsewhere, which means mmdebstrap's own default.
base_sources() {
  local archive security
  read_distribution
  [ "$os_id" = debian ] || return 0
  archive=$(apt_archive "$os_codename")
  security=$(apt_archive "$os_codename-security")
  [ -n "$archive" ] && [ -n "$security" ] || return 0
  printf 'deb %s bookworm main\n' "$archive"
  printf 'deb %s bookworm-updates main\n' "$archive"
  printf 'deb %s bookworm-security main\n' "$security"
}

# build_image IMAGE FOLDER: from distribution packages, on the base.
build_image() {
  local image=$1 folder=$2 content
  content=$(content_hash "$folder" "$base_content")
  [ "$(content_of "$image")" != "$content" ] || return 0
  ensure_base
  say "building $image"
  docker build --quiet --tag "$image" --build-arg "BASE=$base_image" \
    --label prodmirror.image=built --label "prodmirror.content=$content" "$folder" >/dev/null ||
    die "building $image failed; to see all of it: docker build --build-arg BASE=$base_image $folder"
}

# take_image IMAGE PUBLIC WHAT [OPTION…]: a public image under a name of ours, with our labels and what else the build is told.
take_image() {
  local image=$1 public=$2 what=$3 content="public $2"
  shift 3
  [ "$(content_of "$image")" != "$content" ] || return 0
  say "pulling $public as $image"
  printf 'FROM %s\n' "$public" |
    docker build --quiet --tag "$image" --label prodmirror.image=built --label "prodmirror.content=$content" "$@" - >/dev/null ||
    die "pulling $public failed; PRODMIRROR_REGISTRY=no builds $what from distribution packages instead"
}

# build_role postgres:15
build_role() { build_image "prodmirror-built/$1" "$images/${1%%:*}"; }
# take_role postgres:15 PUBLIC
take_role() { take_image "prodmirror-built/$1" "$2" "the role"; }
