#!/usr/bin/env bash
# A spool in another place works under all units, by the drop-ins that `setup` writes.
# shellcheck source=../checks.sh
source /root/tests/checks.sh

spool=/data/spool

is_handled() { equal "$(events "done") handled" "1 handled"; }

works_on_it() {
  as_owner delve-webhook config check
  install -m 0755 /usr/share/doc/delve-webhook/examples/recipes/append /etc/delve-webhook/handler
  systemctl start delve-webhook-run
  until_it is_handled
  systemctl stop delve-webhook-run
  rm /etc/delve-webhook/handler
  systemctl start delve-webhook-prune
}

is_mounted_for() { systemctl show --property RequiresMountsFor --value "$1" | grep -w "$spool"; }

served_by nginx --spool "$spool"
check "setup again changes nothing" changes_nothing set_up acme --spool "$spool"
check "a delivery is stored" answers 202 deliver success
check "in the other place" equal "$(events)" 1
check "the runner and the pruning work there" works_on_it
for unit in delve-webhook{,-run,-prune,-keys,-forward}.service; do
  check "$unit waits for its mount" is_mounted_for "$unit"
done
check "a second instance need not say where" set_up beta
check "deliveries are still stored" answers 202 deliver success
check "the system is running" is_running
purge_all >/run/tests/purge.log 2>&1
rm -rf /data
