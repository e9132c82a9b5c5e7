#!/usr/bin/env bash
# `delve-webhook setup` makes an instance that works, changes nothing the second time, and nothing if
# it fails.
# shellcheck source=../checks.sh
source /root/tests/checks.sh

# fails ARGUMENT…: `setup` must fail, say why, and leave everything as it is.
fails() { changes_nothing refused '[1-9]*' delve-webhook setup "$@"; }

# failures NAME: the ways in which it can fail for an instance that is not there yet.
failures() {
  local name=$1 when=$2 with_ca=(--ca-file "$keys/ca.pem" --base-url "$base" --yes)
  check "an unknown authority $when" fails "$name" https://acme.delvesecurity.test --yes
  check "an instance without a key $when" fails "$name" https://nothing.delvesecurity.test "${with_ca[@]}"
  check "a key that cannot serve $when" fails "$name" https://small.delvesecurity.test "${with_ca[@]}"
  check "a host that does not exist $when" fails "$name" https://none.delvesecurity.test "${with_ca[@]}"
  check "a URL without TLS $when" fails "$name" http://acme.delvesecurity.test "${with_ca[@]}"
  check "a name that cannot be one $when" fails 'A & Co' https://acme.delvesecurity.test "${with_ca[@]}"
  check "a key that is not confirmed $when" \
    fails "$name" https://acme.delvesecurity.test --ca-file "$keys/ca.pem" </dev/null
}

as_nobody() { runuser -u nobody -- delve-webhook setup gamma https://acme.delvesecurity.test --yes; }

beta_answers() {
  base=${base%acme}beta
  answers "$1" deliver success --key "$keys/beta.pem"
}

flow_style() {
  local config=/etc/delve-webhook/config.yaml
  cp -p "$config" /run/tests/config.yaml
  printf 'spool: %s\ninstances: {acme: {url: "https://acme.delvesecurity.test", keys: [keys/acme.json]}}\n' \
    "$spool" >"$config"
  fails gamma https://beta.delvesecurity.test --ca-file "$keys/ca.pem" --yes | tee /run/tests/said
  grep -q 'gamma:' /run/tests/said
  cp -p /run/tests/config.yaml "$config"
}

# cannot_start: a setup whose service does not start says why, and leaves units and files as they were.
cannot_start() {
  local drop_in=/etc/systemd/system/delve-webhook.service.d/broken.conf before
  mkdir -p "${drop_in%/*}"
  printf '[Service]\nExecStartPre=/bin/sh -c "echo it is broken; exit 1"\n' >"$drop_in"
  systemctl daemon-reload
  before=$(units)
  changes_nothing refused 69 set_up acme | tee /run/tests/said
  grep -q 'it is broken' /run/tests/said
  equal "$(units)" "$before"
  rm -r "${drop_in%/*}"
  systemctl daemon-reload
}

# key_is_missing: the responder goes on with the keys that it has.
key_is_missing() {
  mv /etc/delve-webhook/keys/acme.json /run/tests/
  fails gamma https://beta.delvesecurity.test --ca-file "$keys/ca.pem" --yes
  mv /run/tests/acme.json /etc/delve-webhook/keys/
  equal "$(invocation delve-webhook.service)" "$before"
  answers 202 deliver success
}

key_is_new() {
  new_key acme-new P-521
  publish_key acme-new acme
  rm /etc/delve-webhook/keys/acme.json
  set_up acme
  until_it answers 202 deliver success --key "$keys/acme-new.pem" --id new
  # Without its key, it could not be verified.
  rm "$spool"/acme/new/*-new-*.json
  publish_key acme
  rm /etc/delve-webhook/keys/acme.json
  set_up acme
  until_it answers 202 deliver success
}

units() {
  systemctl list-units --all --plain --no-legend 'delve-webhook*'
  systemctl list-unit-files --no-legend 'delve-webhook*'
}

# by_another_way SERVER USER: the operator goes over to another way, as `setup` says.
by_another_way() {
  systemctl stop delve-webhook.socket delve-webhook-run
  chown -R "$2:" "$spool"
  set_up acme --server "$1"
  include_and_reload
  until_it answers 202 deliver success
  as_owner delve-webhook spool verify
}

# runs_as USER: the runner works for the spool's owner.
runs_as() { equal "$(stat -c %U "/proc/$(systemctl show --property MainPID --value delve-webhook-run)")" "$1"; }

start_stand_in
purge_all >/run/tests/purge.log 2>&1
install_ours >/run/tests/install.log 2>&1

failures acme "changes nothing before there is a configuration"
check "a service that cannot start is said, and taken back" cannot_start
check "setup makes the first instance" says 'include delve-webhook/locations.conf;' set_up acme
check "the same setup again changes nothing, and prints the delve.json" \
  changes_nothing says "$base/success" set_up acme
check "the configuration is good" as_owner delve-webhook config check
check "the socket listens" systemctl is-active delve-webhook.socket
check "nginx takes the line that was printed" include_and_reload
check "the first instance takes deliveries" answers 202 deliver success
before=$(invocation delve-webhook.service)
failures gamma "changes nothing beside an instance"
check "a running service is left alone by them" equal "$(invocation delve-webhook.service)" "$before"
check "nor is it ended by one that finds a key missing" key_is_missing
check "a key that is fetched anew is read" key_is_new
check "setup adds a second instance to a running service" set_up beta
check "nginx reloads" systemctl reload nginx
check "the second instance takes deliveries" until_it beta_answers 202
check "the same setup again changes nothing" changes_nothing set_up beta
check "the first one still does" answers 202 deliver success
check "a user who may not write changes nothing" changes_nothing refused '[1-9]*' as_nobody
check "a configuration that cannot be extended stays, and it is said what to insert" flow_style
check "the system is running" is_running

systemctl stop nginx
check "to Apache" by_another_way apache delve-webhook
install -m 0755 /bin/true /etc/delve-webhook/handler
check "to mod_fcgid" by_another_way apache-fcgid www-data
systemctl start delve-webhook-run
check "the runner works for the new owner" runs_as www-data
check "to mod_cgid" by_another_way apache-cgi www-data
check "back to mod_proxy_fcgi" by_another_way apache delve-webhook
check "the system is running" is_running
