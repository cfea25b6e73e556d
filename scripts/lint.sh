#!/bin/sh
# Static checks: layout, layers and banned calls, clang-tidy, cppcheck, shellcheck where it is there.
# Runs all of them and then says which found something.
set -eu

root=$(CDPATH="" cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root"
jobs=${JOBS:-$(nproc)}
found=

sources() {
	git ls-files --cached --others --exclude-standard '*.c' | while read -r f; do
		if [ -e "$f" ]; then echo "$f"; fi
	done
}

step() {
	name=$1
	shift
	echo "lint: $name"
	"$@" || found="$found $name"
}

layout() {
	{ sources; git ls-files --cached --others --exclude-standard '*.h'; } |
		xargs clang-format-14 --dry-run -Werror 2>&1 | grep -E 'error:' | cut -d: -f1 | sort | uniq -c >"$root/build/lint/layout" || true
	cat "$root/build/lint/layout"
	! [ -s "$root/build/lint/layout" ]
}

# The build makes some headers and tables; clang-tidy must see them.
tidy() {
	sources | xargs -P "$jobs" -n 4 clang-tidy-14 --quiet -p build/lint 2>/dev/null
}

# The last release build's warnings were errors already; cppcheck looks at what compilers do not.
cpp() {
	cppcheck --quiet --error-exitcode=1 --inline-suppr --std=c11 -j "$jobs" -I core -I . \
		--enable=warning,portability --suppress=normalCheckLevelMaxBranches \
		--suppress=missingIncludeSystem --suppress=arrayIndexOutOfBounds:core/domain/act.c \
		'-Djson_object_foreach(o,k,v)=for(;(o)&&(k)&&(v);)' \
		'-Djson_array_foreach(a,i,v)=for(;(a)&&(i)&&(v);)' \
		core poller fcgi worker ctl sim
}

shells() {
	if ! command -v shellcheck >/dev/null; then return 0; fi
	shellcheck scripts/*.sh scripts/node tests/support/*.sh .ci/run
}

mkdir -p build/lint
step layout layout
step source scripts/node tests/tidy/tidy.mjs
step cppcheck cpp
step shellcheck shells
step clang-tidy tidy
if [ -n "$found" ]; then
	echo "lint: found something in:$found" >&2
	exit 1
fi
echo "lint: nothing found"
