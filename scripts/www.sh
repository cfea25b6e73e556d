#!/bin/sh
# Builds the web pages when a source is newer than the last build. The tools are called directly:
# Debian's npm does not run below the pinned Node that it would find first in its own PATH.
set -eu

root=$(CDPATH="" cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root/www"
stamp=dist/.built

if [ -e "$stamp" ] && [ -z "$(find src public tools ./*.ts package-lock.json tsconfig.json \
	-type f -newer "$stamp" -print -quit)" ]; then
	exit 0
fi
echo "www: building the pages" >&2
touch "$stamp.next" 2>/dev/null || { mkdir -p dist && touch "$stamp.next"; }
PATH=$root/www/node_modules/.bin:$PATH
export PATH
vue-tsc --noEmit
vite build -c vite.tenant.ts --logLevel warn
vite build -c vite.staff.ts --logLevel warn
node tools/post.mjs
node tools/budget.mjs
mv "$stamp.next" "$stamp"
