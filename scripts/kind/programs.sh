# shellcheck shell=bash disable=SC2154
# The programs that Kubernetes on this machine needs: kind for the host, and all that a node built here holds. Go's own
# caches make a second compilation short.

# kind and kubectl, for people and for prodmirror, which finds them beside itself.
programs=$cache/kind/bin
# What goes into the images of a node.
node_programs=$cache/kind/node

ensure_kind() {
  if [ "$("$programs/kind" version --quiet 2>/dev/null)" != "${kind_version#v}" ]; then
    ensure_go
    say "compiling kind $kind_version"
    go_fetch "$programs" "sigs.k8s.io/kind@$kind_version" || die "compiling kind failed"
  fi
  beside_the_program kind
}

# kubectl as the node has it, so that the two never differ.
ensure_kubectl() {
  local image=$1 path container
  if [ "$(cat "$programs/kubectl.of" 2>/dev/null)" != "$(image_id "$image")" ]; then
    mkdir -p "$programs"
    container=$(docker create --label prodmirror.image=built "$image")
    for path in /usr/local/bin/kubectl /usr/bin/kubectl; do
      docker cp --quiet --follow-link "$container:$path" "$programs/kubectl" 2>/dev/null && break
    done
    docker rm --volumes "$container" >/dev/null
    image_id "$image" >"$programs/kubectl.of"
  fi
  "$programs/kubectl" version --client >/dev/null || die "the kubectl of $image does not run here"
  beside_the_program kubectl
}

beside_the_program() {
  mkdir -p "$target/release"
  ln -sfn "$(realpath --relative-to="$target/release" "$programs/$1")" "$target/release/$1"
}

image_id() { docker image inspect --format '{{.Id}}' "$1"; }

kubernetes_version() { awk '$1 == "k8s.io/kubernetes" { print $2; exit }' "$node/kube/go.mod"; }

# Everything in $node_programs: control/ is the control plane's and the node's, one file under many names.
compile_node_programs() {
  local name
  ensure_go
  mkdir -p "$node_programs/control"
  say "compiling Kubernetes $(kubernetes_version) (the first time: about ten minutes, 8 GB of Go's caches)"
  go_build "$node/kube" "$node_programs/control/kube" -ldflags "-s -w $(kubernetes_stamp)" || die "compiling Kubernetes failed"
  for name in kube-apiserver kube-controller-manager kube-scheduler kube-proxy kubelet kubeadm kubectl; do
    ln -sfn kube "$node_programs/control/$name"
  done
  say "compiling etcd, CoreDNS, the volume provisioner"
  go_build "$node/etcd" "$node_programs/control/etcd" -ldflags '-s -w' || die "compiling etcd failed"
  go_fetch "$node_programs" "github.com/coredns/coredns@$coredns_version" || die "compiling CoreDNS failed"
  go_fetch "$node_programs" "github.com/rancher/local-path-provisioner@$provisioner_version" ||
    die "compiling the volume provisioner failed"
  gcc -static -Os -s -o "$node_programs/pause" "$node/system/pause.c" || die "compiling the pause program failed"
}

# The linker's words for what the programs say of themselves. The date is a constant: same input, same bytes.
kubernetes_stamp() {
  local version package
  version=$(kubernetes_version)
  for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
    printf -- '-X %s.gitVersion=%s ' "$package" "$version"
    printf -- '-X %s.gitMajor=%s -X %s.gitMinor=%s ' "$package" "$(cut -d . -f 1 <<<"${version#v}")" \
      "$package" "$(cut -d . -f 2 <<<"$version")"
    printf -- '-X %s.gitTreeState=clean -X %s.buildDate=1970-01-01T00:00:00Z ' "$package" "$package"
  done
}
