#!/usr/bin/env bash
# The first half of the move: an archive of configuration and spool is made, with an event in it.
# shellcheck source=../checks.sh
source /root/tests/checks.sh

cd /root
served_by nginx
check "a delivery is stored" answers 202 deliver export --id moved
check "configuration and spool are archived" documented backup
check "meanwhile the sender is told to come again" answers 503 deliver success
check "the receiver serves again" systemctl start delve-webhook.socket
