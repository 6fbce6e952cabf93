# shellcheck shell=bash disable=SC2154
# The Docker Engine: one that answers is used as it is, one that is installed is started, else one is installed.

engine_least=24
compose_least=2.30
daemon_log=/var/log/prodmirror-dockerd.log

engine_version() { timeout 20 docker version --format '{{.Server.Version}}' 2>/dev/null; }
engine_answers() { [ -n "$(engine_version)" ]; }
compose_version() { timeout 20 docker compose version --short 2>/dev/null | sed 's/^v//'; }
buildx_answers() { timeout 20 docker buildx version >/dev/null 2>&1; }
daemon_is_installed() { PATH=$PATH:/usr/sbin:/sbin command -v dockerd >/dev/null; }

ensure_engine() {
  have docker && engine_answers && return
  engine_is_local ||
    die "no engine answers at ${DOCKER_HOST:-Docker context $(docker context show)}: start it, or use the local one (unset DOCKER_HOST; docker context use default)"
  refuse_without_permission
  daemon_is_installed || install_engine
  start_engine
}

# Does the client look for the engine at the socket that a daemon of this machine would serve?
engine_is_local() {
  case ${DOCKER_HOST:-} in '' | unix:///var/run/docker.sock | unix:///run/docker.sock) ;; *) return 1 ;; esac
  have docker || return 0
  case $(docker context show 2>/dev/null) in '' | default) ;; *) return 1 ;; esac
}

# An engine that answers to root alone is running already: it must not be started twice.
refuse_without_permission() {
  if [ "$(id -u)" -eq 0 ] || [ ! -S /var/run/docker.sock ] || [ -w /var/run/docker.sock ]; then return; fi
  if as_root docker version >/dev/null 2>&1; then
    die "the engine runs, but this account may not use it: sudo usermod -aG docker $(id -un), log in again, repeat"
  fi
}

install_engine() {
  read_distribution
  say "no Docker Engine here"
  configure_engine
  if [ "$os_id" = debian ]; then
    allow_newer_docker
    apt_install docker.io docker-cli docker-compose docker-buildx
  else
    apt_install docker.io docker-compose-v2 docker-buildx
  fi
  hash -r
}

# The engine of bookworm and the Compose of trixie are too old.
allow_newer_docker() {
  case $os_codename in
    bookworm | trixie)
      apt_add_next_release docker.io docker-cli docker-compose docker-buildx containerd kind tini-static
      ;;
  esac
}

# Before the first start of an engine that we install: the containerd image store gives images that are built or
# loaded here a digest without a registry.
configure_engine() {
  local file=/etc/docker/daemon.json
  if [ -s $file ]; then
    say "$file is there and stays as it is"
    return
  fi
  say "switching the containerd image store on ($file)"
  as_root mkdir -p /etc/docker
  printf '{\n  "features": {"containerd-snapshotter": true}\n}\n' | as_root tee $file >/dev/null
}

start_engine() {
  if daemon_is_starting; then
    say "dockerd runs but does not answer yet; waiting"
  elif [ -d /run/systemd/system ]; then
    say "starting the engine with systemctl"
    as_root systemctl start docker || die "systemctl could not start docker: see journalctl -u docker"
  else
    say "starting dockerd, as no init system does it; its log is $daemon_log"
    drop_stale_pid /var/run/docker.pid dockerd
    drop_stale_pid /var/run/docker/containerd/containerd.pid containerd
    launch_daemon
  fi
  wait_for_engine && return
  [ ! -r $daemon_log ] || tail -n 5 $daemon_log >&2
  die "the engine does not answer"
}

# A session of its own and no open file of the caller's: the daemon outlives this script, and who waits for the end
# of its output is not kept waiting.
launch_daemon() {
  # shellcheck disable=SC2016  # for the inner shell
  launched=$(as_root env PATH="$PATH:/usr/sbin:/sbin" setsid --fork bash -c '
    echo $$
    exec </dev/null >>"$0" 2>&1
    for fd in /proc/$$/fd/*; do
      fd=${fd##*/}
      [ "$fd" -le 2 ] || eval "exec $fd>&-"
    done
    ulimit -n "$(ulimit -H -n)"
    cd /
    exec dockerd' "$daemon_log")
}

daemon_is_starting() { [ "$(process_name "$(cat /var/run/docker.pid 2>/dev/null)")" = dockerd ]; }

# Up to a minute; no at once when the daemon that was launched has gone.
launched=
wait_for_engine() {
  local deadline=$((SECONDS + 60))
  while [ $SECONDS -lt $deadline ]; do
    engine_answers && return
    refuse_without_permission
    [ -z "$launched" ] || [ -d "/proc/$launched" ] || return 1
    sleep 0.2
  done
  return 1
}

process_name() { cat "/proc/${1:-none}/comm" 2>/dev/null; }

# After a crash or a reboot a pid file may name a process that is something else by now, which blocks the start.
drop_stale_pid() {
  local pid
  pid=$(cat "$1" 2>/dev/null) || return 0
  if [ "$(process_name "$pid")" != "$2" ]; then
    say "removing $1, as process $pid is no $2"
    as_root rm -f "$1"
  fi
}

check_engine() {
  local engine
  engine=$(engine_version)
  version_at_least $engine_least "$engine" ||
    die "Docker Engine $engine is too old, $engine_least is needed, and it is not ours to replace: upgrade it, or remove it and repeat"
  docker info --format '{{json .DriverStatus}}' | grep -q io.containerd.snapshotter ||
    say "note: this engine does not use the containerd image store, so images that are built here have no digest"
}

# Compose and buildx are plugins of the client, which an engine from elsewhere may lack.
ensure_plugins() {
  local missing=()
  compose_is_new_enough || missing+=(compose)
  buildx_answers || missing+=(buildx)
  if [ ${#missing[@]} -gt 0 ]; then
    say "too old or missing beside the engine: ${missing[*]}"
    install_plugins "${missing[@]}"
  fi
  compose_is_new_enough || die "Docker Compose $(compose_version) is too old, $compose_least is needed: install a newer plugin"
  buildx_answers || die "docker buildx is missing: install the plugin"
}

compose_is_new_enough() { version_at_least $compose_least "$(compose_version)"; }

install_plugins() {
  local packages=() plugin
  read_distribution
  if dpkg -s docker-ce-cli >/dev/null 2>&1; then
    for plugin; do packages+=("docker-$plugin-plugin"); done
  elif [ "$os_id" = ubuntu ]; then
    for plugin; do packages+=("docker-${plugin/compose/compose-v2}"); done
  else
    allow_newer_docker
    for plugin; do packages+=("docker-$plugin"); done
  fi
  apt_install "${packages[@]}"
}
