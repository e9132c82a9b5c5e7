#!/usr/bin/env bash
# The first half of the move: an archive of configuration and spool is made, with an event in it.
# shellcheck source=../checks.sh
source /root/tests/checks.sh

archive() {
  systemctl stop delve-webhook.socket
  tar --create --file /root/moved.tar --directory / etc/delve-webhook etc/nginx var/spool/delve-webhook
  systemctl start delve-webhook.socket
}

served_by nginx
check "a delivery is stored" answers 202 deliver export --id moved
check "configuration and spool are archived" archive
