#!/usr/bin/env bash
# The examples of every command's manual page, taken out of the installed pages and run as they stand
# there, but for the names of hosts, events and keys.
# shellcheck source=../checks.sh
source /root/tests/checks.sh

examples=/run/tests/examples
work=$examples/work

# take_out: makes a folder of the blocks of each page that has examples.
take_out() {
  local page
  rm -rf "$examples"
  for page in /usr/share/man/man[18]/delve-webhook*.gz; do
    zgrep -q '^[.]Sh EXAMPLES' "$page" || continue
    python3 "$tests/examples.py" "$page" "$examples/$(basename "$page" .gz)"
  done >/run/tests/answers
  equal "$(cat /run/tests/answers)" "/etc/delve-webhook/config.yaml: good
WARNING - The last delivery to acme was refused: stale | new=0;;;0 [...]"
  # Names that a reader would replace.
  sed -i 's|https://hooks.example.com|http://127.0.0.1|; s|delvesecurity.app|delvesecurity.test|
    s|https://events.example.com|http://127.0.0.1:18080|' "$examples"/*/*
  mkdir "$work"
  chown delve-webhook: "$work"
}

# script_of PAGE NUMBER: the block as a script, which ends at the first command that fails. It is taken
# off the list of those that nobody has run.
script_of() {
  local block=$examples/$1/$2
  cat "$block"
  rm "$block"
}

# runs PAGE NUMBER [CODES]: the block, as root. Its exit code must be one of CODES (a pattern).
runs() { as_user root "$@"; }

# owner_runs PAGE NUMBER [CODES]: the same, as the spool's owner.
owner_runs() { as_user delve-webhook "$@"; }

as_user() {
  local user=$1 page=$2 number=$3 codes=${4-0} code=0
  { echo "cd $work; set -e -o pipefail"; script_of "$page" "$number"; } >/run/tests/example
  runuser -u "$user" -- env "CURL_CA_BUNDLE=$keys/ca.pem" bash /run/tests/example || code=$?
  # shellcheck disable=SC2053
  [[ $code == $codes ]] || { echo "exit code $code"; return 1; }
}

# confirmed USER PAGE NUMBER: the block, at a terminal, where each question is answered with y.
confirmed() {
  { echo "cd $work; set -e -o pipefail"; script_of "$2" "$3"; } >/run/tests/example
  printf 'y\ny\n' |
    runuser -u "$1" -- env "CURL_CA_BUNDLE=$keys/ca.pem" script -qec 'bash /run/tests/example' /dev/null
}

# each_fails PAGE NUMBER: the block, of which each line must fail, and not for a wrong command line.
each_fails() {
  local line
  script_of "$1" "$2" >/run/tests/example
  while read -r line; do
    refused 1 runuser -u root -- bash -c "cd $work; base=$base; $line"
  done </run/tests/example
}

# runs_until USER PAGE NUMBER TEST…: the block waits for further events: it is ended once TEST holds.
runs_until() {
  local user=$1 page=$2 number=$3
  shift 3
  { echo "cd $work"; script_of "$page" "$number"; } >/run/tests/example
  until_seen "$user" /run/tests/example "$@"
}

# replace PAGE NUMBER TEXT OTHER: what stands for something that a reader has.
replace() { sed -i "s|$3|$4|" "$examples/$1/$2"; }

# file_id STATE: as `spool list` shows it, of one event there.
file_id() {
  delve-webhook spool list --state "$1" --limit 1 --json | jq -r .path |
    sed -E 's|.*-([0-9a-f]{32})[.]json|\1|; s|^(.{5}).*(.{5})$|\1..\2|'
}

# events_of_all_kinds: two that are given up, one that is put off, and one that is new.
events_of_all_kinds() {
  # What has the id of an earlier one and was signed in the same second is the same event.
  sleep 1.1
  as_owner delve-webhook spool remove --all --yes
  answers 202 deliver failure --id 211
  answers 202 deliver failure --id 214
  as_owner delve-webhook spool run -- sh -c 'echo no route >&2; exit 65' || equal $? 1
  answers 202 deliver success --id 213
  as_owner delve-webhook spool run -- sh -c 'exit 1' || equal $? 1
  answers 202 deliver export --id 4711
  equal "$(events dead) $(events defer) $(events new)" "2 1 1"
}

moves() {
  local command=$1 number=$2
  events_of_all_kinds
  [[ ! ${3-} ]] || replace "delve-webhook-spool-$command.1" "$number" '[0-9a-f]*[.][.][0-9a-f]*' "$(file_id "$3")"
  owner_runs "delve-webhook-spool-$command.1" "$number"
}

configuration() {
  runs delve-webhook-config-check.1 1
  cp /etc/delve-webhook/config.yaml "$work/new.yaml"
  sed -i "s|keys/acme.json|/etc/delve-webhook/&|" "$work/new.yaml"
  runs delve-webhook-config-check.1 2
  runs delve-webhook-config-show.1 1
  runs delve-webhook-config-show.1 2
  runs delve-webhook.1 2
}

sends() {
  cp "$keys/acme.pem" "$work/private.pem"
  runs delve-webhook-send.1 1
  sed -i "1i base=$base" "$examples/delve-webhook-send.1/2"
  runs delve-webhook-send.1 2
  each_fails delve-webhook-send.1 3
}

explains() {
  sed -i '1i keep-refused: 5' /etc/delve-webhook/config.yaml
  systemctl reload delve-webhook
  until_it forgery_is_kept
  answers "401 401" deliver success --age 10m --repeat 2
  sleep 1.1
  # The answer was no.
  owner_runs delve-webhook-explain.1 1 1
  owner_runs delve-webhook-explain.1 2 1
  cp "$(find "$spool/acme/refused" -name '*-stale-*' | head -n 1)" "$work/request.txt"
  runs delve-webhook-explain.1 3 1
}

# A reload goes on after its command has ended, and one of a kind is kept in a second.
forgery_is_kept() {
  answers 401 deliver success --forge
  sleep 1
  says 'kept as acme/refused/' as_owner delve-webhook explain --last bad-signature
}

looks() {
  events_of_all_kinds
  runs delve-webhook-spool-list.1 1
  as_owner delve-webhook spool run -- true
  runs delve-webhook-spool-list.1 2
  runs delve-webhook-spool-list.1 3
  equal "$(events dead)" 0
  events_of_all_kinds
  replace delve-webhook-spool-show.1 1 '[0-9a-f]*[.][.][0-9a-f]*' "$(file_id dead)"
  runs delve-webhook-spool-show.1 1
  runs delve-webhook-spool-show.1 2
  replace delve-webhook-spool-show.1 3 7d744c64f3d6 "$(delve-webhook spool list --json | jq -r .path | sed -nE '1s|.*-([0-9a-f]{12})[0-9a-f]{20}[.]json|\1|p')"
  runs delve-webhook-spool-show.1 3
  runs delve-webhook-spool-stats.1 1 '[0-2]'
  mkdir -p /var/lib/prometheus/node-exporter
  runs delve-webhook-spool-stats.1 2
  grep -q '^delve_webhook_' /var/lib/prometheus/node-exporter/delve-webhook-spool.prom
  runs delve-webhook-spool-gaps.1 1
  printf '%s\n' 4711 4712 >"$work/expected"
  sed -i "s|2026-11-26|$(date -u -d yesterday +%F)|" "$examples/delve-webhook-spool-gaps.1/2"
  equal "$(runs delve-webhook-spool-gaps.1 2)" 4712
}

verifies() {
  runs delve-webhook-spool-verify.1 1
  mkdir -p /mnt/backup
  cp -a "$spool" /mnt/backup/
  openssl pkey -in "$keys/acme.pem" -pubout -out "$work/acme.pem"
  runs delve-webhook-spool-verify.1 2
  runs delve-webhook-spool-verify.1 3
}

monitors() {
  runs delve-webhook-monitor.1 1 '[0-2]'
  runs delve-webhook-monitor.1 2 '[0-2]'
}

tails() {
  runs_until root delve-webhook-spool-tail.1 1 delivery_is_seen
  runs_until root delve-webhook-spool-tail.1 2 delivery_is_seen
}

delivery_is_seen() {
  deliver success >/dev/null
  grep -E 'scan[-/]done' /run/tests/seen || { cat /run/tests/seen; return 1; }
}

none_waits() { equal "$(events new)" 0; }

run_by_hand() {
  events_of_all_kinds
  owner_runs delve-webhook-spool-run.1 1
  printf '#!/bin/sh\ncat >/dev/null\n' >"$work/handler"
  chmod 755 "$work/handler"
  owner_runs delve-webhook-spool-run.1 2
  equal "$(events new)" 0
  answers 202 deliver success --id 4714
  owner_runs delve-webhook-spool-run.1 3
  grep -q 4714 "$work/events.ndjson"
  install -m 0755 "$work/handler" /etc/delve-webhook/handler
  answers 202 deliver success
  runs_until root delve-webhook.1 3 none_waits
}

prunes() {
  owner_runs delve-webhook-spool-prune.1 1
  runs delve-webhook-spool-prune.1 2
  systemctl disable --now delve-webhook-prune.timer
}

forwards() {
  systemctl start postgresql
  until_it runuser -u postgres -- psql -qAtc 'SELECT 1'
  runuser -u postgres -- createuser delve-webhook 2>/dev/null || true
  runuser -u postgres -- dropdb --if-exists delve
  runuser -u postgres -- createdb --owner delve-webhook delve
  printf '[delve]\ndbname=delve\n' >"$(runuser -u postgres -- pg_config --sysconfdir 2>/dev/null || echo /etc/postgresql-common)/pg_service.conf"
  as_owner delve-webhook-forward --to 'postgresql:///?service=delve' --prepare
  answers 202 deliver success
  owner_runs delve-webhook-forward.8 1
  equal "$(runuser -u postgres -- psql -qAt delve -c 'SELECT count(*) FROM delve_event')" 1
  echo 'Authorization: Bearer stand-in' >/etc/delve-webhook/header
  python3 "$tests/sink.py" 18080 /run/tests/sink &
  answers 202 deliver success --id 4715
  runs_until delve-webhook delve-webhook-forward.8 2 grep -q 'Bearer stand-in.*4715' /run/tests/sink
  kill %%
  wait || true
}

keys_are_looked_at() {
  runs delve-webhook-keys-check.1 1
  openssl pkey -in "$keys/acme.pem" -pubout -out "$work/public.pem"
  runs delve-webhook-keys-check.1 2
  runs delve-webhook-keys-fetch.1 2
  cp "$keys/ca.pem" /etc/ssl/private-ca.pem
  runs delve-webhook-keys-fetch.1 3
}

key_is_replaced() {
  local old
  old=$(thumbprints | head -n 1)
  new_key acme-next P-521
  publish_key acme-next acme
  confirmed root delve-webhook-keys-fetch.1 1 || equal $? 2
  equal "$(thumbprints | wc -l)" 2
  replace delve-webhook-keys-remove.1 1 3kUw9x "${old:0:6}"
  confirmed root delve-webhook-keys-remove.1 1
  equal "$(thumbprints | wc -l)" 1
  runs delve-webhook-keys-remove.1 2
}

sets_up() {
  confirmed root delve-webhook-setup.1 1
  confirmed root delve-webhook-setup.1 2
  runs delve-webhook-delve-json.1 1
  purge_all
  install_ours
  publish_key acme
  confirmed root delve-webhook-setup.1 3
  test -d /srv/delve-webhook/acme
  purge_all
  rm -rf /srv/delve-webhook
  install_ours
  confirmed root delve-webhook.1 1
}

none_is_left() { equal "$(find "$examples" -mindepth 2 -type f -not -path "$work/*")" ""; }

rm -f /run/tests/served-by
served_by nginx
check "the examples are taken out of the pages" take_out
check "config" configuration
check "send" sends
check "explain" explains
check "spool list, show, stats, gaps" looks
check "spool verify" verifies
check "monitor" monitors
check "spool tail" tails
check "spool retry: one" moves retry 1 dead
check "spool retry: by a reason" moves retry 2
check "spool retry: by names" moves retry 3
check "spool finish: one" moves finish 1 dead
check "spool finish: by a filter" moves finish 2
check "spool remove: by a filter" moves remove 2
check "spool remove: after a question" confirmed delve-webhook delve-webhook-spool-remove.1 1
check "spool run" run_by_hand
check "spool prune" prunes
check "forward" forwards
check "keys check and fetch" keys_are_looked_at
check "keys fetch and remove, after a question" key_is_replaced
check "setup" sets_up
check "no example is left" none_is_left

# As the parts that follow expect it.
purge_all >/dev/null 2>&1
publish_key acme
rm -rf "$examples" /mnt/backup /var/lib/prometheus
