#!/bin/sh
# scripts/build.sh PRESET [TARGET…]: configures (when needed) and builds a preset of
# CMakePresets.json, all of it or the targets named.
set -eu

root=$(CDPATH="" cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root"
case $1 in
release) dir=build ;;
*) dir=build/$1 ;;
esac
# What is built reconfigures itself; lint is only configured, so it is configured each time.
# shellcheck disable=SC3013 # dash has -nt
if [ "$1" = lint ] || [ ! -e "$dir/build.ninja" ] || [ CMakePresets.json -nt "$dir/configure.log" ]; then
	mkdir -p "$dir"
	cmake --preset "$1" >"$dir/configure.log" 2>&1 || {
		cat "$dir/configure.log" >&2
		rm "$dir/configure.log"
		exit 1
	}
fi
if [ "$1" = lint ]; then exit 0; fi # only compile_commands.json is wanted
preset=$1
shift
exec cmake --build --preset "$preset" ${1:+--target "$@"}
