#!/usr/bin/env bash
# systemd finds no fault in the units, and little that they expose.
# shellcheck source=../checks.sh
source /root/tests/checks.sh

# exposed UNIT TENTHS: at most this many tenths of a point, of 100. Prints what counts against it.
exposed() { systemd-analyze security --no-pager --threshold="$2" "$1" | grep -v '^✓'; }

verified() { equal "$(complaints "$1")" ""; }

complaints() { (systemd-analyze verify --man=no "$1" 2>&1 || true) | sed -n /delve-webhook/p; }

# Otherwise no complaint would mean nothing.
fault_is_found() {
  local faulty=/run/systemd/system/delve-webhook-faulty.service
  printf '[Service]\nExecStart=/bin/true\nNonsense=1\n' >"$faulty"
  complaints "$faulty" | grep Nonsense
  rm "$faulty"
}

served_by nginx
check "a fault in a unit is found" fault_is_found
for unit in delve-webhook.{socket,service} delve-webhook-{run.service,keys.service,keys.timer,prune.service,prune.timer,forward.service}; do
  check "$unit is a good unit" verified "$unit"
done
check "the responder exposes at most 0.5" exposed delve-webhook.service 5
check "the pruning exposes at most 0.5" exposed delve-webhook-prune.service 5
check "the look for keys exposes at most 1.5" exposed delve-webhook-keys.service 15
check "the runner exposes at most 3.3" exposed delve-webhook-run.service 33
check "the forwarder exposes at most 2.0" exposed delve-webhook-forward.service 20
check "only the web server's group may connect" equal "$(stat -c '%U:%G %a' /run/delve-webhook/fcgi.sock)" "root:www-data 660"
check "the configuration and its keys are root's" equal "$(find /etc/delve-webhook ! -user root -o -perm /022)" ""
