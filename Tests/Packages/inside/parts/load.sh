#!/usr/bin/env bash
# Restarts, reloads, upgrades and downgrades lose no request of several senders.
# shellcheck source=../checks.sh
source /root/tests/checks.sh

upgrade() {
  dpkg -i /root/higher/*.deb
  says +higher version
}

downgrade() {
  dpkg -i "$packages"/*.deb
  [[ $(version) != *+higher* ]] || { version; return 1; }
}

# restarts_only_the_service COMMAND…: the service must be another one afterwards, the socket the same.
restarts_only_the_service() {
  local service socket
  service=$(invocation delve-webhook.service) socket=$(invocation delve-webhook.socket)
  "$@"
  until_it has_started_again delve-webhook.service "$service"
  equal "$(invocation delve-webhook.socket)" "$socket"
}

and_graceful() {
  "$@"
  systemctl reload apache2
}

# stays_off: neither an upgrade nor the way back starts or enables what the operator has switched off.
stays_off() {
  systemctl disable --quiet --now delve-webhook.socket
  upgrade
  downgrade
  equal "$(systemctl is-enabled delve-webhook.socket) $(systemctl is-active delve-webhook.socket)" "disabled inactive"
  systemctl enable --quiet --now delve-webhook.socket
}

higher_version
served_by nginx
check "restarts, under load" under_load restarts_only_the_service systemctl restart delve-webhook
check "reloads, under load" under_load systemctl reload delve-webhook
check "reloads of nginx, under load" under_load systemctl reload nginx
check "an upgrade, under load" under_load restarts_only_the_service upgrade
check "back to the version before, under load" under_load restarts_only_the_service downgrade
check "a socket that is switched off stays so" stays_off
check "the system is running" is_running

served_by apache
check "mod_proxy_fcgi: restarts, and a graceful reload, under load" \
  under_load and_graceful restarts_only_the_service systemctl restart delve-webhook

served_by apache-fcgid
check "mod_fcgid: a graceful reload, under load" under_load_of_mod_fcgid systemctl reload apache2
check "mod_fcgid: an upgrade, and a graceful reload, under load" \
  under_load_of_mod_fcgid and_graceful upgrade
check "mod_fcgid: back to the version before, under load" \
  under_load_of_mod_fcgid and_graceful downgrade
check "mod_fcgid: the system is running" is_running
