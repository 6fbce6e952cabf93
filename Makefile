# make demo    sets this machine up, builds, brings the example mirror up and shows it
# make test    sets this machine up and runs every test

.PHONY: setup setup-kind demo test soak lint bench clean

# Packages and Docker where absent, the program, the examples' images. The second time it only looks.
setup:
	@scripts/setup
	@scripts/build
	@scripts/images

# A real Kubernetes in containers: kind, kubectl, the image of a node. About ten minutes the first time where no registry is in reach.
setup-kind:
	@scripts/setup-kind

demo: setup
	@scripts/demo

test: setup setup-kind
	cargo test --locked --workspace

# Every test in its long form, then the fuzzer (FUZZ_SECONDS on each reader).
soak: setup
	@scripts/soak

lint:
	@scripts/lint

bench: setup setup-kind
	@scripts/bench

# Mirrors, clusters, and images built here. The engine stays.
clean:
	@scripts/clean
