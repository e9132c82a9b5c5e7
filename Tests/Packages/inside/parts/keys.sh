#!/usr/bin/env bash
# The timer's service finds a new key of the instance; it is fetched while deliveries with the old one
# still come, and the old one is removed.
# shellcheck source=../checks.sh
source /root/tests/checks.sh

report=/var/lib/delve-webhook-keys/acme.json

# fetch: the stand-in's authority is the system's, as a company's own would be.
fetch() { delve-webhook keys fetch acme --yes; }

fetches_with() {
  local expected=$1 code=0
  fetch || code=$?
  equal "$code" "$expected"
}

look() { systemctl start delve-webhook-keys.service; }

timer_waits() {
  equal "$(systemctl is-enabled delve-webhook-keys.timer)" disabled
  systemctl enable --now delve-webhook-keys.timer
  systemctl list-timers --no-legend delve-webhook-keys.timer | grep delve-webhook-keys.service
  systemctl disable --now delve-webhook-keys.timer
}

# warned UNIT: its journal has a warning of the new key, since the part began.
warned() {
  journalctl --no-pager --priority 4..4 --since "$began" --unit "$1" |
    grep -F 'a key of the instance is not configured' | grep -F "$(new_thumbprint)"
}

new_thumbprint() { sed -n 's/.*"new":\["\([^"]*\)"\].*/\1/p' "$report"; }

status_page() { curl -s -H 'Accept: application/json' "${base%/*}/status"; }

finding_is() { status_page | grep -F "acme has a new key that is not configured: $1."; }

no_finding() { status_page | grep -F '"verdict":"well"'; }

old_is_removed() {
  local old
  old=$(thumbprints | head -n 1)
  delve-webhook keys remove -- "${old:0:8}"
  equal "$(thumbprints | wc -l)" 1
  refused 1 delve-webhook keys remove -- "$(thumbprints)"
}

began=$(date '+%F %T')
served_by nginx
cp "$keys/ca.pem" /usr/local/share/ca-certificates/stand-in.crt
update-ca-certificates >/dev/null 2>&1
check "nothing is new before" fetches_with 0
check "the timer's service says the same" look
check "in a file that everybody may read" equal "$(stat -c '%U %a' "$report")" "delve-webhook 644"
check "of no new key" grep -F '"new":[]' "$report"
check "the timer is not enabled, and waits for its time if it is" timer_waits
new_key acme-next P-521
check "a key that nobody knows is refused" answers 401 deliver success --key "$keys/acme-next.pem"
publish_key acme-next acme
before=$(state_of /etc/delve-webhook)
check "the timer's service finds the instance's new key" look
check "and changes no key" equal "$(state_of /etc/delve-webhook)" "$before"
check "its journal warns" warned delve-webhook-keys
check "the responder's journal does" until_it warned delve-webhook
check "and the status page" until_it finding_is "$(new_thumbprint)"
check "the new key is fetched" fetches_with 2
check "and taken without a restart" until_it answers 202 deliver success --key "$keys/acme-next.pem"
check "deliveries with the old one are still stored" answers 202 deliver success
check "the status page warns no longer" until_it no_finding
check "the service is told two keys" says acme as_owner delve-webhook keys check
check "nothing is new any more" fetches_with 0
cp /etc/delve-webhook/keys/acme.json /run/tests/both.json
check "the old one is removed, and the last one stays" old_is_removed
check "deliveries with the old one are refused then" until_it answers 401 deliver success
check "those with the new one are stored" answers 202 deliver success --key "$keys/acme-next.pem"
cp /run/tests/both.json /etc/delve-webhook/keys/acme.json
check "the old one can be put back" until_it answers 202 deliver success
check "the system is running" is_running
publish_key acme
