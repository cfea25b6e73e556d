#!/bin/sh
# What `make install` lays down works where it lies: programs start, units are sound and name users that
# are made, the printed site of nginx points at the pages. BUILD: the build folder.
set -eu
build=$1
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
fail() { echo "install: $*" >&2; exit 1; }

DESTDIR=$stage cmake --install "$build" --prefix /usr >/dev/null
for program in yufu-api yufu-poller yufu-worker; do
	"$stage/usr/bin/$program" --config "$stage/not-there.conf" 2>&1 | grep -q not-there.conf || fail "$program does not start"
done
"$stage/usr/bin/yufu" model list | grep -q . || fail "yufu knows no models"
[ "$(find "$stage/usr/share/yufu/migrations" -name '*.sql' | wc -l)" -gt 50 ] || fail "no migrations"
for page in tenant/index.html staff/index.html; do
	[ -s "$stage/usr/share/yufu/www/$page" ] || fail "no $page"
done

printf 'BASE=https://pay.example.com\nCERTIFICATE=/c\nCERTIFICATE_KEY=/k\n' >"$stage/nginx.env"
"$stage/usr/share/yufu/scripts/nginx-site.sh" "$stage/nginx.env" | grep -q '/usr/share/yufu/www' || fail "the site does not point at the pages"

if command -v systemd-sysusers >/dev/null; then
	mkdir "$stage/etc"
	systemd-sysusers --root="$stage" yufu.conf 2>/dev/null
	sed -n 's/^User=//p' "$stage"/usr/lib/systemd/system/yufu-*.service | while read -r user; do
		grep -q "^$user:" "$stage/etc/passwd" || exit 1
	done || fail "nobody makes the user of a unit"
fi
if command -v systemd-analyze >/dev/null; then
	units=$(cd "$stage/usr/lib/systemd/system" && echo yufu-*)
	cp /lib/systemd/system/*.target /lib/systemd/system/*.slice /lib/systemd/system/*.mount "$stage/usr/lib/systemd/system/" 2>/dev/null || true
	for unit in $units; do
		said=$(systemd-analyze verify --man=no --root="$stage" "$unit" 2>&1 | grep "^$unit\|/$unit\|$stage.*yufu" || true)
		[ -z "$said" ] || fail "$said"
	done
fi
echo "install: well"
