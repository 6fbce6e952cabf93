#!/bin/bash
# Makes the cluster at the first start, then becomes the server. The cluster is made in single-user mode, so nothing
# answers on any socket before the server that stays; a start that was cut off is begun again, or finished.
set -euo pipefail

fresh=$PGDATA/.fresh

fail() {
  printf 'postgres: %s\n' "$*" >&2
  exit 1
}

# NAME or, where that is unset, the content of the file that NAME_FILE names.
setting() {
  local file=$1_FILE
  if [ -n "${!file:-}" ]; then
    [ -z "${!1:-}" ] || fail "$1 and $file are both set"
    printf -v "$1" %s "$(<"${!file}")"
  fi
  printf -v "$1" %s "${!1:-$2}"
  unset "$file"
}

is_server_start() {
  [ "$1" = postgres ] || return 1
  local argument
  for argument; do
    case $argument in '-?' | --help | -V | --version | --describe-config | -C) return 1 ;; esac
  done
}

# As root: hand the folders over, then run this script again as the user of the server.
become_postgres() {
  mkdir -p "$PGDATA" /var/run/postgresql
  find "$PGDATA" ! -user postgres -exec chown postgres:postgres {} +
  chmod 0700 "$PGDATA"
  find /var/run/postgresql ! -user postgres -exec chown postgres:postgres {} +
  exec setpriv --reuid=postgres --regid=postgres --init-groups -- env HOME=/var/lib/postgresql "${BASH_SOURCE[0]}" "$@"
}

make_cluster() {
  setting POSTGRES_USER postgres
  setting POSTGRES_PASSWORD ''
  setting POSTGRES_DB "$POSTGRES_USER"
  setting POSTGRES_INITDB_ARGS ''
  local method=${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}
  [ -n "$POSTGRES_PASSWORD" ] || [ "$method" = trust ] ||
    fail "no cluster yet, and POSTGRES_PASSWORD is not set (or allow all with POSTGRES_HOST_AUTH_METHOD=trust)"

  rm -rf "$fresh"
  eval "set -- $POSTGRES_INITDB_ARGS"
  set -- -D "$fresh" --username="$POSTGRES_USER" --auth-local=trust --auth-host="$method" "$@"
  if [ -n "$POSTGRES_PASSWORD" ]; then
    initdb --pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD") "$@"
  else
    initdb "$@"
  fi
  printf '\nhost all all all %s\n' "$method" >>"$fresh/pg_hba.conf"
  if [ "$POSTGRES_DB" != postgres ]; then
    printf 'CREATE DATABASE "%s";\n' "${POSTGRES_DB//\"/\"\"}" |
      postgres --single -D "$fresh" -j -c log_checkpoints=off postgres >/dev/null
  fi
  touch "$PGDATA/.fresh-is-whole"
}

# PG_VERSION comes last: where it is, the cluster is whole.
put_cluster_in_place() {
  find "$fresh" -mindepth 1 -maxdepth 1 ! -name PG_VERSION -exec mv -t "$PGDATA" {} +
  mv "$fresh/PG_VERSION" "$PGDATA/"
  rmdir "$fresh"
  rm "$PGDATA/.fresh-is-whole"
}

case ${1:-} in -*) set -- postgres "$@" ;; esac
if is_server_start "$@"; then
  [ "$(id -u)" -ne 0 ] || become_postgres "$@"
  mkdir -p "$PGDATA"
  chmod 0700 "$PGDATA" 2>/dev/null || true
  if [ ! -s "$PGDATA/PG_VERSION" ]; then
    [ -e "$PGDATA/.fresh-is-whole" ] || make_cluster
    put_cluster_in_place
  fi
fi
exec "$@"
