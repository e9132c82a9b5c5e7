#!/usr/bin/env bash
# What can be seen on an installed machine: metrics, the status page, kept refusals, and the numbers of
# what handles the events, all under the units as they are shipped.
# shellcheck source=../checks.sh
source /root/tests/checks.sh

site=${base%/*}

# looks CODE NAME [OPTION…]: the status code of metrics or status.
looks() {
  local code=$1 name=$2
  shift 2
  equal "$(curl -s -o /run/tests/seen -w '%{http_code}' "$@" "$site/$name")" "$code"
}

# shows TEXT NAME [OPTION…]: metrics or status must hold TEXT.
shows() {
  local text=$1
  shift
  looks 200 "$@"
  grep -F -- "$text" /run/tests/seen || { cat /run/tests/seen; return 1; }
}

# keeps_refusals NUMBER: what a reload makes of the setting.
keeps_refusals() {
  sed -i '/^keep-refused:/d' /etc/delve-webhook/config.yaml
  sed -i "1i keep-refused: $1" /etc/delve-webhook/config.yaml
  delve-webhook config check
  systemctl reload delve-webhook
}

# forgery_is_kept: a forged delivery, until one is kept: a reload goes on after its command has ended.
forgery_is_kept() {
  answers 401 deliver success --forge
  sleep 1
  says 'kept as acme/refused/' as_owner delve-webhook explain --last bad-signature
}

# Debian's folder for node_exporter.
metrics_folder=/var/lib/prometheus/node-exporter

handles_with_numbers() {
  install -d -m 0755 "$metrics_folder"
  typed textfile
  printf '#!/bin/sh\nexit 0\n' >/etc/delve-webhook/handler
  chmod 755 /etc/delve-webhook/handler
  systemctl daemon-reload
  systemctl start delve-webhook-run
}

forwards_with_numbers() {
  echo 'DELVE_FORWARD_TO=http://127.0.0.1:9/' >/etc/delve-webhook/forward.env
  systemctl start delve-webhook-forward
  until_it grep -q '^delve_webhook_consumer_handled_total.* 0$' "$metrics_folder/delve-webhook-forward.prom"
}

numbers_are() { grep -E "^delve_webhook_consumer_handled_total.* $1\$" "$metrics_folder/delve-webhook-run.prom"; }

unit_says() { systemctl show --property StatusText delve-webhook-run | grep -F -- "$1"; }

served_by nginx
check "a delivery is stored" answers 202 deliver success --id 4720
check "the metrics count it" shows \
  'delve_webhook_deliveries_total{instance="acme",hook="scan-success",code="stored"} 1' metrics
check "as OpenMetrics too" shows '# EOF' metrics -H 'Accept: application/openmetrics-text; version=1.0.0'
check "the status page says that all is well" shows '>well</p>' status
check "and as JSON" shows '"verdict":"well"' status -H 'Accept: application/json'
check "another address sees neither" looks 403 metrics --interface 127.0.0.2
check "another address sees neither, nor the page" looks 403 status --interface 127.0.0.2
check "a delivery's method is refused there" looks 405 metrics -X POST
check "the spool's own numbers have the same names" says \
  'delve_webhook_spool_events{spool="/var/spool/delve-webhook",instance="acme",state="new"} 1' \
  as_owner delve-webhook spool stats --prometheus

systemctl restart delve-webhook
check "after a restart the last event is known" until_it shows \
  'delve_webhook_last_stored_timestamp_seconds{instance="acme",hook="scan-success"}' metrics
check "and what was answered is counted anew" shows \
  'delve_webhook_deliveries_total{instance="acme",hook="scan-success",code="stored"} 0' metrics

check "refused requests are kept after a reload" keeps_refusals 2
check "a forgery is kept, and explained" until_it forgery_is_kept
check "the page names the file" shows 'kept as acme/refused/' status
check "nobody else may read it" equal \
  "$(stat -c '%U %a' "$spool"/acme/refused/*.http | sort -u)" "delve-webhook 600"
check "nothing more is kept after another reload" keeps_refusals 0

check "the runner writes its numbers" handles_with_numbers
check "of the event that it handles" until_it numbers_are 1
check "and tells the service manager" until_it unit_says '1 handled, 0 put off, 0 given up'
systemctl stop delve-webhook-run
check "and so does the forwarder, whose target is away" forwards_with_numbers
systemctl stop delve-webhook-forward
rm -r /etc/systemd/system/delve-webhook-{run,forward}.service.d /etc/delve-webhook/{handler,forward.env}
dpkg-statoverride --remove "$metrics_folder"
rm -r "$metrics_folder"
systemctl daemon-reload

served_by apache
check "mod_proxy_fcgi: a delivery is stored" answers 202 deliver success
check "mod_proxy_fcgi: the metrics count it" shows \
  'delve_webhook_deliveries_total{instance="acme",hook="scan-success",code="stored"} 1' metrics
check "mod_proxy_fcgi: the status page says that all is well" shows '>well</p>' status
for server in apache-fcgid apache-cgi; do
  served_by "$server"
  check "$server: the metrics say who has the numbers" looks 501 metrics
  check "$server: in a sentence" grep -F 'delve-webhook spool stats' /run/tests/seen
  check "$server: the status page does so, too" looks 501 status
done
check "the system is running" is_running
