#!/usr/bin/env bash
# By each web server, after the three commands (install, set up, include and reload), deliveries are
# answered as documented, and stored.
# shellcheck source=../checks.sh
source /root/tests/checks.sh

for server in nginx apache apache-fcgid apache-cgi; do
  served_by "$server"
  service=apache2
  if [[ $server == nginx || $server == apache ]]; then service=delve-webhook; fi
  for hook in success failure export exports/111-1221; do
    check "$server: $hook is stored, again it is a duplicate" answers "202 200" deliver "$hook" --repeat 2
  done
  check "$server: a forgery is refused" answers 401 deliver success --forge
  check "$server: the wrong hook is refused" answers 422 deliver success --hook export-complete
  check "$server: the health check is good" answers 200 health
  check "$server: exactly the stored events are in the spool" equal "$(events)" 4
  check "$server: their proof is whole" as_owner delve-webhook spool verify
  check "$server: systemctl reload $service" systemctl reload "$service"
  check "$server: then deliveries are stored" answers 202 deliver success
  check "$server: the system is running" is_running
done
