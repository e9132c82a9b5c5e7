#!/usr/bin/env bash
# The second half: on another machine, the archive is unpacked, and the same setup is run.
# shellcheck source=../checks.sh
source /root/tests/checks.sh

replay() { delve-webhook send --replay "$1" "$base/export" | status_codes; }

replayed() { answers 200 replay "$spool"/acme/new/*-moved-*.json; }

cd /root
check "the packages are installed" install_ours
check "the archive is unpacked, and its spool is whole" documented restore
check "setup finds the instance configured" says "good" set_up acme
check "nginx takes the line that was printed" include_and_reload
check "a stored event's delivery is a duplicate" replayed
check "a new delivery is stored" answers 202 deliver success
check "the spool is whole" as_owner delve-webhook spool verify
check "the configuration is good" as_owner delve-webhook config check
check "the system is running" is_running
