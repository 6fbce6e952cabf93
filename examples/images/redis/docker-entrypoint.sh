#!/bin/sh
# Options alone, or a configuration file alone, mean redis-server. As in the public image protected mode is off
# unless asked for, as a container without a password is guarded by its network.
set -eu

case ${1:-} in
  -* | *.conf) set -- redis-server "$@" ;;
esac

is_server_start() {
  [ "$1" = redis-server ] || return 1
  for argument; do
    case $argument in -v | --version | -h | --help | --test-memory | --check-system) return 1 ;; esac
  done
}

# Is protected mode spoken of on the command line or in the configuration file?
names_protected_mode() {
  for argument; do
    [ "$argument" != --protected-mode ] || return 0
  done
  case ${2:-} in
    '' | -*) return 1 ;;
    *) grep -q '^[[:space:]]*protected-mode' "$2" ;;
  esac
}

if is_server_start "$@"; then
  if [ "$(id -u)" -eq 0 ]; then
    find . ! -user redis -exec chown redis:redis {} +
    exec setpriv --reuid=redis --regid=redis --init-groups -- "$0" "$@"
  fi
  [ "$(umask)" != 0022 ] || umask 0077
  names_protected_mode "$@" || set -- "$@" --protected-mode no
fi
exec "$@"
