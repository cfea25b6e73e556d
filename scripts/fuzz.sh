#!/bin/sh
# scripts/fuzz.sh SECONDS [TARGET]: runs every fuzz target (or one) for that long, from its corpus.
# New inputs go to build/fuzz/found/; an input that breaks something is kept in build/fuzz/crashes/.
set -eu

root=$(CDPATH="" cd -- "$(dirname -- "$0")/.." && pwd)
seconds=$1
only=${2:-}
crashes=$root/build/fuzz/crashes
mkdir -p "$crashes"
failed=

for program in "$root"/build/fuzz/fuzz/fuzz_*; do
	name=${program##*/fuzz_}
	if [ -n "$only" ] && [ "$only" != "$name" ]; then continue; fi
	found=$root/build/fuzz/found/$name
	mkdir -p "$found"
	echo "fuzz: $name for $seconds s"
	if ! "$program" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -print_final_stats=0 \
		-verbosity=0 -artifact_prefix="$crashes/$name-" "$found" \
		"$root/tests/fuzz/corpus/$name" >"$crashes/$name.log" 2>&1; then
		tail -30 "$crashes/$name.log"
		failed="$failed $name"
	fi
done
if [ -n "$failed" ]; then
	echo "fuzz: broken:$failed; inputs in $crashes" >&2
	exit 1
fi
echo "fuzz: nothing broke"
