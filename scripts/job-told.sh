#!/bin/sh
# job-told.sh NAME: tells Yufu how a unit of systemd ended, as its ExecStopPost.
set -eu
outcome=failed
if [ "${SERVICE_RESULT:-}" = success ]; then outcome='done'; fi
exec runuser -u yufu_worker -- env YUFU_DATABASE_USER=yufu_worker yufu job "$outcome" "$1"
