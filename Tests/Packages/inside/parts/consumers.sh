#!/usr/bin/env bash
# The units that work on the spool: every recipe as the runner's handler, the pruning timer, the
# forwarder to PostgreSQL; and an upgrade lets them finish what they have in hand.
# shellcheck source=../checks.sh
source /root/tests/checks.sh

examples=/usr/share/doc/delve-webhook/examples/recipes

# handled_by RECIPE: the runner's unit runs a recipe as it is shipped.
handled_by() {
  install -m 0755 "$examples/$1" /etc/delve-webhook/handler
  systemctl restart delve-webhook-run
  systemctl is-active delve-webhook-run
}

all_done() { equal "$(events new) waiting, $(events cur) in hand, $(events defer) put off, $(events dead) given up" \
  "0 waiting, 0 in hand, 0 put off, 0 given up"; }

# file_has TEXT FOLDER: some file below has it.
file_has() { grep -rqF -- "$1" "$2"; }

start_smtp() {
  mkdir -p /run/tests/mail
  systemd-run --quiet --unit smtp-stand-in python3 "$tests/smtp.py" /run/tests/mail
  until_it bash -c 'exec 3<>/dev/tcp/127.0.0.1/25'
}

# mailed_of_dead: an event that the runner's handler gives up is told of by a second runner.
mailed_of_dead() {
  systemctl stop delve-webhook-run
  answers 202 deliver success --id 4716
  as_owner delve-webhook spool run -- sh -c 'exit 65' || equal $? 1
  install -m 0755 "$examples/mail-dead" /etc/delve-webhook/mail-dead
  text_of mail-dead >/run/tests/script
  until_seen delve-webhook /run/tests/script file_has 4716 /run/tests/mail
  rm /etc/delve-webhook/mail-dead
  as_owner delve-webhook spool remove --all --yes
}

# publish_export ID: the stand-in's API knows a finished export.
publish_export() {
  install -d /srv/stand-in/acme/api/v2/exports /srv/stand-in/acme/files
  printf '{"status":"done","fileLocation":"/files/%s"}' "$1" >"/srv/stand-in/acme/api/v2/exports/$1"
  echo "export $1 itself" >"/srv/stand-in/acme/files/$1"
  echo "Authorization: Bearer stand-in" >/etc/delve-webhook/api-header
  chown root:delve-webhook /etc/delve-webhook/api-header
  chmod 640 /etc/delve-webhook/api-header
  cp "$keys/ca.pem" /usr/local/share/ca-certificates/stand-in.crt
  update-ca-certificates >/dev/null 2>&1
}

prunes() {
  local old=$spool/acme/done/2020-01-01
  as_owner mkdir "$old"
  find "$spool/acme/done" -name '*.json' -exec mv --target-directory "$old" {} +
  answers 202 deliver success
  as_owner delve-webhook spool run -- true
  systemctl start delve-webhook-prune.service
  [[ ! -e $old ]]
  equal "$(events "done")" 1
}

# prunes_later: what the manual shows for keeping events longer.
prunes_later() {
  local young old
  young=$spool/acme/done/$(date -u -d '40 days ago' +%F) old=$spool/acme/done/$(date -u -d '100 days ago' +%F)
  as_owner mkdir "$young" "$old"
  typed keep
  systemctl start delve-webhook-prune.service
  rm -r /etc/systemd/system/delve-webhook-prune.service.d
  systemctl daemon-reload
  [[ -e $young && ! -e $old ]]
  as_owner rmdir "$young"
}

timer_waits() {
  systemctl enable --now delve-webhook-prune.timer
  systemctl list-timers --no-legend delve-webhook-prune.timer | grep delve-webhook-prune.service
  systemctl disable --now delve-webhook-prune.timer
}

# slow_handler: writes down its begin and its end, and ends when it may.
slow_handler() {
  cat >/etc/delve-webhook/handler <<'SH'
#!/bin/sh
echo begin >>"$LOGS_DIRECTORY/slow"
until [ -e "$LOGS_DIRECTORY/may-end" ]; do sleep 0.1; done
echo end >>"$LOGS_DIRECTORY/slow"
SH
  systemctl restart delve-webhook-run
}

in_hand() { [[ $(cat /var/log/delve-webhook/slow) == begin ]]; }

is_stopping() { equal "$(systemctl show --property ActiveState --value "$1")" deactivating; }

# upgrade_waits_for UNIT COMMAND…: an upgrade restarts the unit, after COMMAND has let it finish what it
# has in hand.
upgrade_waits_for() {
  local unit=$1 before upgrade
  before=$(invocation "$unit")
  shift
  dpkg -i /root/higher/*.deb &
  upgrade=$!
  until_it is_stopping "$unit"
  "$@"
  wait "$upgrade"
  until_it all_done
  until_it has_started_again "$unit" "$before"
}

handled_once() {
  answers 202 deliver success
  until_it in_hand
  upgrade_waits_for delve-webhook-run touch /var/log/delve-webhook/may-end
  equal "$(tr '\n' ' ' </var/log/delve-webhook/slow)" "begin end "
}

# forwarded_once: the table is locked when the forwarder wants to write to it.
forwarded_once() {
  coproc session { in_database; }
  echo 'BEGIN; LOCK TABLE delve_event;' >&"${session[1]}"
  until_it locks_are t 1
  answers 202 deliver success
  until_it locks_are f 1
  upgrade_waits_for delve-webhook-forward commit
  rows_are 2
}

commit() { echo 'COMMIT;' >&"${session[1]}"; }

start_database() {
  systemctl start postgresql
  until_it runuser -u postgres -- psql -qAtc 'SELECT 1'
  runuser -u postgres -- createuser delve-webhook
  runuser -u postgres -- createdb --owner delve-webhook delve
}

in_database() { runuser -u postgres -- psql -qAt delve "$@"; }

rows_are() { equal "$(in_database -c 'SELECT count(*) FROM delve_event')" "$1"; }

# rows_are_handled: what the manual shows, on all rows at once.
rows_are_handled() {
  text_of work-queue |
    sed 's/= [.][.][.];/IN (SELECT source, id FROM delve_event WHERE handled IS NULL);/' |
    in_database -v ON_ERROR_STOP=1
  equal "$(in_database -c 'SELECT count(*) FROM delve_event WHERE handled IS NULL')" 0
}

# locks_are GRANTED NUMBER: how many are held (t) or waited for (f) by those who write to the table.
locks_are() {
  equal "$(in_database -c "SELECT count(*) FROM pg_locks
    WHERE relation = 'delve_event'::regclass AND granted = '$1' AND mode <> 'AccessShareLock'")" "$2"
}

start_forwarder() {
  echo 'DELVE_FORWARD_TO=postgresql:///delve' >/etc/delve-webhook/forward.env
  as_owner delve-webhook-forward --to postgresql:///delve --prepare
  systemctl start delve-webhook-forward
  systemctl is-active delve-webhook-forward
}

served_by nginx
higher_version
dpkg -i "$packages"/*.deb >/run/tests/install.log 2>&1
check "the append recipe runs" handled_by append
check "a delivery is appended to a file" answers 202 deliver success --id 4711
check "in the runner's own folder" until_it file_has 4711 /var/log/delve-webhook
check "and is done" until_it all_done

start_smtp
check "the mail recipe runs" handled_by mail
check "a delivery is mailed" answers 202 deliver failure --id 4712
check "with its data" until_it file_has 4712 /run/tests/mail
check "and is done" until_it all_done

check "the mail of what was given up" mailed_of_dead

publish_export 4713
check "the export recipe runs" handled_by export
check "an export's delivery is stored" answers 202 deliver export --id 4713
check "the export is downloaded" until_it file_has 'export 4713 itself' /var/lib/delve-webhook
check "and is done" until_it all_done
systemctl stop delve-webhook-run

check "pruning removes what was handled long ago, and nothing else" prunes
check "it keeps them for longer, if it is told to" prunes_later
check "the timer waits for its time" timer_waits

start_database
check "the forwarder starts, with a table that it made" start_forwarder
check "a delivery is forwarded" answers 202 deliver success
check "into the database" until_it rows_are 1
check "and is done" until_it all_done
check "an upgrade lets the forwarder finish" forwarded_once
check "a consumer of the table" rows_are_handled
systemctl stop delve-webhook-forward

dpkg -i "$packages"/*.deb >/run/tests/install.log 2>&1
slow_handler
check "an upgrade lets a handler finish" handled_once
check "the system is running" is_running
systemctl stop delve-webhook-run
rm /etc/delve-webhook/{handler,forward.env}
dpkg -i "$packages"/*.deb >/run/tests/install.log 2>&1
