# Thin: every word forwards to a preset or a script.
#
#   make run        the whole mall on this machine; PORT=8080, state in .run/, Ctrl-C stops it
#   make test       every test
#   make bench      the table of measurements
#   make screenshots  every screen as a picture, looked at by axe; DIR=build/screenshots
#   make lint fuzz asan build clean-run
#   make install    what a live installation needs, below PREFIX=/usr; DESTDIR=
#   make tsan       the tests of one program at a time (all but e2e) under ThreadSanitizer

PORT ?= 8080
JOBS ?= $(shell nproc)
PREFIX ?= /usr
FUZZ_SECONDS ?= 60
PROGRAMS = yufu yufu-api yufu-poller yufu-worker yufu-sim
# Most tests wait for something: four more at a time than there are processors. Those that do not wait
# count as two.
CTEST = ctest --output-on-failure --no-tests=error -j $(shell expr $(JOBS) + 4)

.PHONY: run test bench screenshots lint fuzz asan tsan build www install clean-run
.DEFAULT_GOAL := build

build:
	@scripts/install.sh --for build
	@scripts/build.sh release

www:
	@scripts/install.sh --for run
	@scripts/www.sh

install: build www
	@cmake --install build --prefix $(PREFIX)

run:
	@scripts/install.sh --for run
	@scripts/build.sh release $(PROGRAMS)
	@scripts/www.sh
	@exec scripts/node tests/support/run.mjs --port $(PORT)

test:
	@scripts/install.sh --for test
	@scripts/build.sh release
	@scripts/www.sh
	@cd build && $(CTEST) $(CTEST_ARGS)

asan tsan:
	@scripts/install.sh --for test
	@scripts/build.sh $(if $(filter asan,$@),dev,tsan)
	@scripts/www.sh
	@cd build/$(if $(filter asan,$@),dev,tsan) && $(CTEST) $(if $(filter tsan,$@),-E ^e2e) $(CTEST_ARGS)

bench:
	@scripts/install.sh --for bench
	@scripts/build.sh release $(PROGRAMS) settle_bench store_bench report_bench meter_server bus_speed bus_bench db_seeded
	@scripts/www.sh
	@exec scripts/node bench/bench.mjs $(BENCH_ARGS)

screenshots:
	@scripts/install.sh --for test
	@scripts/build.sh release $(PROGRAMS)
	@scripts/www.sh
	@exec scripts/node tests/e2e/screenshots.mjs $(if $(DIR),--dir $(DIR)) $(if $(filter-out file,$(origin PORT)),--port $(PORT))

lint:
	@scripts/install.sh --for lint
	@scripts/build.sh lint
	@scripts/lint.sh

fuzz:
	@scripts/install.sh --for fuzz
	@scripts/build.sh fuzz
	@scripts/fuzz.sh $(FUZZ_SECONDS) $(FUZZ_TARGET)

clean-run:
	@scripts/node tests/support/run.mjs --clean
