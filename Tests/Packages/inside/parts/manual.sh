#!/usr/bin/env bash
# The commands that the manual's pages show, as they stand there, but for the names of hosts.
# shellcheck source=../checks.sh
source /root/tests/checks.sh

# Nobody is here to confirm a key.
delve-webhook() {
  case "$1 ${2-}" in
    "setup "* | "keys fetch") command delve-webhook "$@" --ca-file "$keys/ca.pem" --yes ;;
    *) command delve-webhook "$@" ;;
  esac
}

sends() { documented trial-send | grep '^HTTP/1.1 202'; }

trial() {
  cd /run/tests
  sed -i 's|keys: \[keys/acme.json\]|keys: [keys/acme.json, keys/trial.pem]|' /etc/delve-webhook/config.yaml
  grep -q trial.pem /etc/delve-webhook/config.yaml
  documented trial
  until_it sends
}

trial_is_removed() {
  local id
  id=$(delve-webhook spool list --json | grep -oE '[0-9a-f]{32}[.]json' | head -n 1)
  runuser -u delve-webhook -- delve-webhook spool remove "${id%.json}" --yes
  equal "$(events new)" 0
  sed -i 's|, keys/trial.pem||' /etc/delve-webhook/config.yaml
  systemctl reload delve-webhook
}

globex_answers() {
  base=${base%acme}globex
  answers 202 deliver success --key "$keys/beta.pem"
}

gives_up() {
  answers 202 deliver success
  runuser -u delve-webhook -- delve-webhook spool run -- sh -c 'exit 65' || true
  equal "$(events dead)" 1
}

new_key_is_fetched() {
  new_key acme-next P-521
  publish_key acme-next acme
  documented fetch || equal $? 2
  until_it answers 202 deliver export --key "$keys/acme-next.pem" --id fetched
}

old_key_is_removed() {
  local old
  old=$(command delve-webhook keys check --json | grep -o '"thumbprint":"[^"]*"' | head -n 1 | cut -d '"' -f 4)
  sed -i "s|3kUw9x|${old:0:6}|" "$tests/blocks/remove-key"
  documented remove-key
  test -e /root/acme-old.json
  equal "$(command delve-webhook keys check --json | grep -c '"instance":"acme"')" 1
}

# listens TAG TEST…: the block's program serves until it is ended.
listens() {
  local block=$1 group
  shift
  setsid bash "$tests/blocks/$block" &
  group=$!
  until_it "$@"
  kill -- "-$group"
  wait "$group" || true
}

all_is_removed() {
  apt-get() { command apt-get -y -qq "$@"; }
  documented purge
  test ! -e /etc/delve-webhook
  test ! -e "$spool"
}

port_answers() { (exec 3<>/dev/tcp/127.0.0.1/9000); }

served_by nginx
sed -i 's|https://hooks.example.com|http://127.0.0.1|; s|delvesecurity.app|delvesecurity.test|' \
  "$tests"/blocks/*
check "a health check" documented health
check "a delivery of one's own" trial
check "a look at what arrived" documented look
check "the trial is removed" trial_is_removed
publish_key beta globex
echo 127.0.0.1 globex.delvesecurity.test >>/etc/hosts
check "a second instance" documented second
check "which takes deliveries" until_it globex_answers
check "services that use the old library start again" documented try-restart
check "what takes the space" documented space
check "handled events are removed" documented prune
check "every event is whole" documented verify
check "hours without a delivery" documented gaps
check "an event is given up" gives_up
check "which is tried again" documented given-up
check "and waits" equal "$(events new)" 1
check "a new key is fetched" new_key_is_fetched
check "the old one is removed" old_key_is_removed
check "the responder on a socket of its own" listens by-hand test -S /run/delve-webhook-own/fcgi.sock
check "the responder on a port" listens port port_answers
rm -f /run/delve-webhook-own/fcgi.sock
check "the responder by spawn-fcgi" listens spawn test -S /run/delve-webhook-own/fcgi.sock
check "nothing is left" all_is_removed
rm -f /run/tests/served-by
