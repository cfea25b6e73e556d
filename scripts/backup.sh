#!/bin/sh
# backup.sh DIR [OPTION…]: a copy of the database server while it runs, ready to be started on, in
# DIR/2026-11-22; the last 14 are kept. Options are mariadb-backup's.
set -eu
dir=$1
shift
umask 077
mkdir -p "$dir"
rm -rf "$dir/new"
mariadb-backup --backup --target-dir="$dir/new" "$@"
mariadb-backup --prepare --target-dir="$dir/new"
today=$dir/$(date +%F)
rm -rf "$today"
mv "$dir/new" "$today"
find "$dir" -mindepth 1 -maxdepth 1 -type d -name '20??-??-??' | sort | head -n -14 | xargs -r rm -rf
