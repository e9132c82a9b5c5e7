#!/usr/bin/env bash
# The second half: the machine has started with the archive in its place.
# shellcheck source=../checks.sh
source /root/tests/checks.sh

replay() { delve-webhook send --replay "$1" "$base/export" | status_codes; }

replayed() { answers 200 replay "$spool"/acme/new/*-moved-*.json; }

check "the system is running" is_running
check "the socket listens" systemctl is-active delve-webhook.socket
check "a stored event's delivery is a duplicate" replayed
check "a new delivery is stored" answers 202 deliver success
check "the spool is whole" as_owner delve-webhook spool verify
check "the configuration is good" as_owner delve-webhook config check
