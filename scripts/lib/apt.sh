# shellcheck shell=bash disable=SC2154
# Distribution packages on Debian and Ubuntu. Archives are taken from the sources that are configured already.

apt_is_fresh=

# Sets os_id and os_codename; refuses what is neither Debian nor Ubuntu.
read_distribution() {
  # shellcheck disable=SC1091
  os_id=$(. /etc/os-release && printf %s "${ID:-}")
  # shellcheck disable=SC1091
  os_codename=$(. /etc/os-release && printf %s "${VERSION_CODENAME:-}")
  case $os_id in
    debian | ubuntu) have apt-get || die "no apt-get here" ;;
    *) die "this is '$os_id': packages are installed on Debian and Ubuntu only; install by hand what is named above" ;;
  esac
}

apt_refresh() {
  [ -n "$apt_is_fresh" ] && return
  say "reading the package lists"
  # A third party's broken source is no reason to stop: what is missing shows at the install.
  as_root apt-get update -qq </dev/null >&2 || say "some package lists could not be read; going on"
  apt_is_fresh=yes
}

# The address of the archive that this system's own release comes from.
apt_archive() {
  # shellcheck disable=SC2016  # apt's own variables
  apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
    awk -v release="$1" '$2 == release && $3 == "main" { print $1; exit }'
}

# Installs packages. Without an init system their services are not started; removing anything is refused.
apt_install() {
  local policy=/usr/sbin/policy-rc.d wrote_policy='' status=0 log=$cache/apt.log
  apt_refresh
  say "installing: $*"
  mkdir -p "$cache"
  if [ ! -d /run/systemd/system ] && [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' | as_root tee $policy >/dev/null
    as_root chmod +x $policy
    wrote_policy=yes
  fi
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends --no-remove \
    -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 "$@" </dev/null >"$log" 2>&1 || status=$?
  [ -z "$wrote_policy" ] || as_root rm -f $policy
  if [ "$status" -ne 0 ]; then
    tail -n 20 "$log" >&2
    die "installing failed: $*"
  fi
}

# Debian's next release carries what its stable ones are too old for. Only the packages named may come from it; the
# first gives the pin its name.
apt_add_next_release() {
  local next=forky archive keyring=/usr/share/keyrings/debian-archive-keyring.gpg signed='# no Signed-By: the keys that apt trusts anyway'
  local source=/etc/apt/sources.list.d/prodmirror-$next.sources pin=/etc/apt/preferences.d/prodmirror-$next-$1
  [ -s $source ] && [ -s $pin ] && return
  apt_refresh
  archive=$(apt_archive "$os_codename")
  [ -n "$archive" ] || die "no apt source for '$os_codename main' is configured, so $next cannot be added beside it"
  [ ! -e $keyring ] || signed="Signed-By: $keyring"
  say "adding $next as an apt source, for $* only ($source)"
  # The pin comes first: an unpinned source of a newer release must never be there, not even for a moment.
  as_root tee $pin >/dev/null <<PIN
Package: *
Pin: release n=$next
Pin-Priority: -1

Package: $*
Pin: release n=$next
Pin-Priority: 700
PIN
  as_root tee $source >/dev/null <<SOURCE
Types: deb
URIs: $archive
Suites: $next
Components: main
$signed
SOURCE
  apt_is_fresh=
  apt_refresh
  # Else an older package would be taken in silence, and be refused later for another reason. The source goes, so that
  # a second try begins here.
  if ! apt-cache policy "$1" | grep "$next/main" >/dev/null; then
    as_root rm -f $source
    die "apt could not read $next's lists (its own words are above): mend that and repeat; an archive that is a frozen copy may need Acquire::Check-Valid-Until \"false\""
  fi
}
