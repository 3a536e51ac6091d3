# Rowhouse: `make run` serves on :8080, `make test` runs every test. Both
# install what is missing first. `make help` lists the rest.

BUILD   ?= build
JOBS    ?= $(shell nproc)
PREFIX  ?= /usr/local
DESTDIR ?=
CC      ?= cc
export LC_ALL = C.UTF-8

.DEFAULT_GOAL := all

all: $(BUILD)/build.ninja ## build the program: build/rowhouse
	@ninja -C $(BUILD) -j $(JOBS) --quiet rowhouse rowhouse.1

run: all ## build and serve on :8080 with DATABASE_PATH=./data
	@exec env DATABASE_PATH="$${DATABASE_PATH:-./data}" $(BUILD)/rowhouse serve

test: deps-test everything asan-build ## build and run every test
	@test/run --build $(BUILD) --asan build-asan

test-%: deps-test everything ## run one suite: test-unit, test-golden, test-e2e, ...
	@test/run --build $(BUILD) --suite $*

everything: $(BUILD)/build.ninja
	@scripts/configure $(BUILD)
	@ninja -C $(BUILD) -j $(JOBS) --quiet

# The same suite under the sanitizers, each in a folder of its own.
asan: deps-test asan-build ## the unit, golden and end-to-end tests under ASan and UBSan
	@test/run --build build-asan --suite unit,golden,e2e

asan-build: deps-test
	@scripts/configure build-asan -Db_sanitize=address,undefined -Db_lundef=false
	@ninja -C build-asan -j $(JOBS) --quiet

tsan: deps-test ## the unit and end-to-end tests under ThreadSanitizer
	@scripts/configure build-tsan -Db_sanitize=thread -Db_lundef=false
	@ninja -C build-tsan -j $(JOBS) --quiet
	@test/run --build build-tsan --suite unit,e2e

valgrind: deps-test everything ## the unit tests under valgrind
	@test/run --build $(BUILD) --suite unit --wrap 'valgrind --quiet --error-exitcode=99 --leak-check=full'

lint: deps-test ## clang-format, clang-tidy, warnings as errors on gcc and clang
	@scripts/lint

bench: deps-bench all ## our figures beside the peers', from one run
	@ninja -C $(BUILD) -j $(JOBS) --quiet
	@test/bench/run --build $(BUILD)

coverage: deps-test ## lines covered by the unit and end-to-end tests
	@scripts/configure build-coverage -Db_coverage=true
	@ninja -C build-coverage -j $(JOBS) --quiet
	@test/run --build build-coverage --suite unit,golden,e2e
	@gcovr --root . --filter base/ --filter engine/ --filter http/ --filter app/ build-coverage

install: all ## install the program, its manual pages and systemd units under DESTDIR
	@DESTDIR="$(DESTDIR)" PREFIX="$(PREFIX)" BUILD="$(BUILD)" scripts/install-files

$(BUILD)/build.ninja: meson.build meson_options.txt | deps
	@CC="$(CC)" scripts/configure $(BUILD)

deps: ## install the packages that building takes
	@scripts/install-packages build

deps-test: deps
	@scripts/install-packages test

deps-bench: deps-test
	@scripts/install-packages bench

clean: ## remove what was built
	rm -rf build build-asan build-tsan build-coverage build-clang build-fuzz

help: ## this list
	@awk -F ':.*## ' '/^[a-z%-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile

.PHONY: all run test everything asan asan-build tsan valgrind lint bench coverage install deps \
        deps-test deps-bench clean help
