# shellcheck shell=bash disable=SC2034
# What setup-kind pins. The version of Kubernetes itself stands in node/kube/go.mod, etcd's in node/etcd/go.mod.

kind_version=v0.33.0
coredns_version=v1.12.1
provisioner_version=v0.0.30
# Of this release of kind, for Kubernetes 1.34: later ones do not start under cgroup v1.
public_node=docker.io/kindest/node:v1.34.11@sha256:44e222ee2132dab25ff87301682f89eb82c7880ea3a1bf543bfe9708fd08d67d
# The pull-through cache of nodes, of the line that Debian's own package is of.
public_registry=docker.io/library/registry:2.8.3@sha256:a3d8aaa63ed8681a604f1dea0aa03f100d5895b6a58ace528858a7b332415373
