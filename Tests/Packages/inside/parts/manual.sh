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

make_certificate() {
  mkdir -p /etc/ssl/private
  openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=hooks.example.com \
    -addext 'subjectAltName=DNS:hooks.example.com' \
    -keyout /etc/ssl/private/hooks.example.com.key -out /etc/ssl/hooks.example.com.pem 2>/dev/null
  echo 127.0.0.1 hooks.example.com >>/etc/hosts
  # The stand-in has port 443.
  sed -i 's/\b443\b/8443/' "$tests"/blocks/{server,host} /etc/apache2/ports.conf
}

over_tls() {
  curl -s -o /dev/null -w '%{http_code}\n' --cacert /etc/ssl/hooks.example.com.pem -X POST \
    "https://hooks.example.com:8443/webhooks/delve/$1"
}

# served_over_tls UNIT TAG: the block is a site of the web server.
served_over_tls() {
  case $1 in
    nginx)
      sed -i '/delve-webhook/d' /etc/nginx/sites-available/default
      cp "$tests/blocks/$2" /etc/nginx/sites-enabled/hooks
      nginx -t
      ;;
    apache2)
      cp "$tests/blocks/$2" /etc/apache2/sites-available/hooks.conf
      a2ensite -q hooks
      apachectl configtest
      ;;
  esac
  systemctl reload-or-restart "$1"
  until_it answers 401 over_tls acme/success
}

beta_is_unknown() {
  systemctl reload "$1"
  until_it answers 500 over_tls beta/success
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
  old=$(thumbprints | head -n 1)
  sed -i "s|3kUw9x|${old:0:6}|" "$tests/blocks/remove-key"
  documented remove-key
  test -e /root/acme-old.json
  equal "$(command delve-webhook keys check --json | grep -c '"instance":"acme"')" 1
}

# listens TAG TEST…: the block's program serves until it is ended.
listens() {
  local block=$1
  shift
  cp "$tests/blocks/$block" /run/tests/script
  until_seen root /run/tests/script "$@"
}

installs() {
  start_stand_in
  purge_all
  publish_key acme
  cd "$packages"
  apt-get() { command apt-get -y -qq "$@"; }
  documented install
  delve-webhook config check
}

# The stand-in of the way to another machine: what it would lead to is here.
through_tunnel() {
  ssh() { :; }
  documented tunnel | grep -F '</html>'
}

archives() {
  cd /run/tests
  documented live-archive
  tar -tf spool.tar >spool.list
  grep '^delve-webhook/acme/ids/.' spool.list
}

# upgrades and goes_back: the manual's commands, with the packages at hand.
upgrades() {
  higher_version
  cd /root/higher
  apt-get() { command apt-get -y -qq "$@"; }
  sed -i -E 's/_([0-9.]+)_/_\1+higher_/g' "$tests/blocks/upgrade"
  documented upgrade
  [[ $(version) == *+higher ]]
}

goes_back() {
  cd "$packages"
  apt-get() { command apt-get -y -qq "$@"; }
  documented downgrade
  [[ $(version) != *+higher ]]
}

# handled_again: an event of the sender's id 214 that a command has handled.
handled_again() {
  answers 202 deliver success --id 214
  as_owner delve-webhook spool run -- true
  equal "$(events new)" 0
  documented again
  equal "$(events new)" 1
  as_owner delve-webhook spool run -- true
}

proof_is_kept() {
  documented proof
  documented proved
  rm -r /srv/proof
}

# names_the_receiver: a kept delivery for somebody else says for whom it was. The last byte of a token's
# part may be missing: base64(1) complains then.
names_the_receiver() {
  sed -i '1i keep-refused: 5' /etc/delve-webhook/config.yaml
  systemctl reload delve-webhook
  until_it audience_is_kept
  set +o pipefail
  documented audience 2>/dev/null | grep -F '"aud":"somebody-else"'
}

audience_is_kept() {
  answers 401 deliver success --claim aud=somebody-else
  sleep 1
  compgen -G "$spool/acme/refused/*-audience-*.http"
}

all_is_removed() {
  apt-get() { command apt-get -y -qq "$@"; }
  documented purge
  test ! -e /etc/delve-webhook
  test ! -e "$spool"
}

port_answers() { (exec 3<>/dev/tcp/127.0.0.1/9000); }

sed -i "s|https://hooks.example.com|http://127.0.0.1|; s|delvesecurity.app|delvesecurity.test|
  s|_amd64.deb|_$(dpkg --print-architecture).deb|" "$tests"/blocks/*
# From nothing, whatever the part before has left.
check "the first two commands" installs
rm -f /run/tests/served-by
served_by nginx
check "a health check" documented health
check "a delivery of one's own" trial
check "a look at what arrived" documented look
check "the trial is removed" trial_is_removed
publish_key beta globex
echo 127.0.0.1 globex.delvesecurity.test >>/etc/hosts
check "the JSON for the connector" documented json
check "a second instance" documented second
check "which takes deliveries" until_it globex_answers
check "services that use the old library start again" documented try-restart
check "what takes the space" documented space
check "handled events are removed" documented prune
check "every event is whole" documented verify
check "an archive of a spool in use" archives
check "hours without a delivery" documented gaps
check "an upgrade with the forwarder" upgrades
check "the way back" goes_back
check "a handled event is handled again" handled_again
check "proof is kept elsewhere" proof_is_kept
check "the receiver of a refused delivery" names_the_receiver
check "an event is given up" gives_up
check "which is tried again" documented given-up
check "and waits" equal "$(events new)" 1
check "a new key is fetched" new_key_is_fetched
check "the old one is removed" old_key_is_removed
check "the responder on a socket of its own" listens by-hand test -S /run/delve-webhook-own/fcgi.sock
check "the responder on a port" listens port port_answers
rm -f /run/delve-webhook-own/fcgi.sock
check "the responder by spawn-fcgi" listens spawn test -S /run/delve-webhook-own/fcgi.sock
make_certificate
check "nginx: a server block of one's own" served_over_tls nginx server
check "the status page from another machine" through_tunnel
check "nginx: a second instance by hand" documented nginx-instance
check "which is refused as long as the configuration has none" beta_is_unknown nginx
systemctl stop nginx
a2enmod -q ssl proxy_fcgi headers
check "Apache: the hooks" delve-webhook setup acme https://acme.delvesecurity.test --server apache \
  --base-url http://127.0.0.1/webhooks/delve/acme
check "Apache: a virtual host of one's own" served_over_tls apache2 host
check "Apache: a second instance by hand" documented apache-instance
check "which is refused as long as the configuration has none" beta_is_unknown apache2
systemctl stop apache2
check "nothing is left" all_is_removed

# As the parts that follow expect it.
publish_key acme
rm -f /etc/nginx/sites-enabled/hooks /etc/apache2/sites-*/hooks.conf /run/tests/served-by
