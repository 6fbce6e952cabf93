# shellcheck shell=bash
# The Docker Engine: one that answers is used as it is, one that is installed is started, else one is installed.

engine_least=24
compose_least=2.30
daemon_log=/var/log/prodmirror-dockerd.log

engine_version() { timeout 20 docker version --format '{{.Server.Version}}' 2>/dev/null; }
engine_answers() { [ -n "$(engine_version)" ]; }
compose_version() { timeout 20 docker compose version --short 2>/dev/null | sed 's/^v//'; }
buildx_answers() { timeout 20 docker buildx version >/dev/null 2>&1; }

# Is the address that the client uses the local socket, which a daemon of this machine would serve?
engine_is_local() {
  [ -z "${DOCKER_HOST:-}" ] || return 1
  have docker || return 0
  case $(docker context show 2>/dev/null) in '' | default) ;; *) return 1 ;; esac
}

ensure_engine() {
  have docker && engine_answers && return
  if ! engine_is_local; then
    die "no engine answers at ${DOCKER_HOST:-the Docker context '$(docker context show)'}: start it, or unset DOCKER_HOST and choose the context 'default'"
  fi
  refuse_without_permission
  if ! have_daemon; then
    install_engine
  else
    say "an engine is installed but does not answer"
  fi
  start_engine
}

have_daemon() { PATH=$PATH:/usr/sbin:/sbin command -v dockerd >/dev/null; }

# An engine that answers to root alone is running: it must not be started twice.
refuse_without_permission() {
  [ "$(id -u)" -ne 0 ] && [ -S /var/run/docker.sock ] && [ ! -w /var/run/docker.sock ] || return 0
  as_root docker version >/dev/null 2>&1 || return 0
  die "the engine runs, but this account may not use it: 'sudo usermod -aG docker $(id -un)', log in again and repeat"
}

install_engine() {
  read_distribution
  if [ "$os_id" = debian ]; then
    case $os_codename in
      bookworm | trixie) apt_add_next_release docker.io docker-cli docker-compose docker-buildx containerd kind tini-static ;;
    esac
    configure_engine
    apt_install docker.io docker-cli docker-compose docker-buildx
  else
    configure_engine
    apt_install docker.io docker-compose-v2 docker-buildx
  fi
  hash -r
}

# Before the first start of an engine that we install. The containerd image store gives images that are
# built or loaded here a digest without a registry.
configure_engine() {
  local file=/etc/docker/daemon.json
  if [ -s $file ]; then
    say "$file is there already and stays as it is; the containerd image store is wanted (features.containerd-snapshotter)"
    return
  fi
  as_root mkdir -p /etc/docker
  printf '{\n  "features": {"containerd-snapshotter": true}\n}\n' | as_root tee $file >/dev/null
}

start_engine() {
  wait_for_starting_daemon && return
  if [ -d /run/systemd/system ]; then
    say "starting the engine with systemctl"
    as_root systemctl start docker || die "systemctl could not start docker: see 'journalctl -u docker'"
  else
    say "starting dockerd, as no init system does it; its log is $daemon_log"
    drop_stale_pid /var/run/docker.pid dockerd
    drop_stale_pid /var/run/docker/containerd/containerd.pid containerd
    # shellcheck disable=SC2016  # expanded by the inner shell
    as_root env PATH="$PATH:/usr/sbin:/sbin" setsid bash -c '
      for fd in /proc/$$/fd/*; do fd=${fd##*/}; [ "$fd" -le 2 ] || eval "exec $fd>&-"; done 2>/dev/null
      cd / && exec dockerd' </dev/null >>"$daemon_log.out" 2>&1 &
  fi
  wait_for_engine 60 || die "the engine did not answer within 60 s: see ${daemon_log}"
}

# A daemon whose process lives may only be slow: give it time before starting another.
wait_for_starting_daemon() {
  local pid
  pid=$(cat /var/run/docker.pid 2>/dev/null) || return 1
  [ "$(process_name "$pid")" = dockerd ] || return 1
  say "dockerd runs as process $pid but does not answer yet; waiting"
  wait_for_engine 60 || die "dockerd runs as process $pid but answers nothing: stop it and repeat"
}

wait_for_engine() {
  local until=$((SECONDS + $1))
  while [ $SECONDS -lt $until ]; do
    engine_answers && return
    sleep 0.3
  done
  return 1
}

process_name() { cat "/proc/$1/comm" 2>/dev/null; }

# After a crash or a reboot a pid file may name a process that is something else by now, which blocks the start.
drop_stale_pid() {
  local pid
  pid=$(cat "$1" 2>/dev/null) || return 0
  [ "$(process_name "$pid")" = "$2" ] && return
  say "removing $1: process $pid is no $2"
  as_root rm -f "$1"
}

# Compose and buildx are plugins of the client; an engine from elsewhere may lack them.
ensure_plugins() {
  local missing=()
  version_at_least $compose_least "$(compose_version)" || missing+=(compose)
  buildx_answers || missing+=(buildx)
  [ ${#missing[@]} -gt 0 ] || return 0
  say "missing or too old beside the engine: ${missing[*]}"
  read_distribution
  apt_refresh
  local packages=() prefix=docker suffix=
  if dpkg -s docker-ce-cli >/dev/null 2>&1; then
    suffix=-plugin
  elif [ "$os_id" = debian ]; then
    case $os_codename in bookworm | trixie) apt_add_next_release docker.io docker-cli docker-compose docker-buildx containerd kind tini-static ;; esac
  fi
  for plugin in "${missing[@]}"; do
    if [ "$plugin" = compose ] && [ "$os_id" = ubuntu ] && [ -z "$suffix" ]; then
      packages+=(docker-compose-v2)
    else
      packages+=("$prefix-$plugin$suffix")
    fi
  done
  apt_install "${packages[@]}"
}

check_engine_versions() {
  local engine compose
  engine=$(engine_version)
  compose=$(compose_version)
  version_at_least $engine_least "$engine" ||
    die "Docker Engine $engine is too old, $engine_least is needed; it is not ours to replace"
  version_at_least $compose_least "$compose" ||
    die "Docker Compose ${compose:-(absent)} is too old, $compose_least is needed: install a newer docker-compose plugin"
  buildx_answers || die "docker buildx is absent: install the docker-buildx plugin"
  docker info --format '{{json .DriverStatus}}' | grep -q io.containerd.snapshotter ||
    say "note: this engine does not use the containerd image store, so images built here have no digest"
  say "Docker Engine $engine, Compose $compose"
}
