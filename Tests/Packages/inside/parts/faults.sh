#!/usr/bin/env bash
# Wrong configurations, stops, kills, a full disk, a late mount and a spool of another version: no
# event is lost, and the remedy works.
# shellcheck source=../checks.sh
source /root/tests/checks.sh

config=/etc/delve-webhook/config.yaml
mount_unit=$(systemd-escape --path --suffix mount "$spool")

# served_once COMMAND…: a delivery that waits in the socket is stored once COMMAND has repaired what
# keeps the service from starting.
served_once() {
  local waiting
  answers 202 deliver success &
  waiting=$!
  until_it is_asked_for
  "$@"
  wait "$waiting"
}

# is_asked_for: a delivery has reached the socket, so systemd wants the service.
is_asked_for() { equal "$(systemctl show --property SubState --value delve-webhook.socket)" running; }

repair() { cp -p /run/tests/config.yaml "$config"; }

service_is_down() { [[ $(systemctl is-active delve-webhook.service) == inactive ]]; }

stop_socket() {
  systemctl stop delve-webhook.socket
  service_is_down
  answers 503 deliver success
  service_is_down
}

# kill_service: kills it twice, once a new one runs.
kill_service() {
  local before
  for _ in 1 2; do
    before=$(invocation delve-webhook.service)
    systemctl kill --signal KILL delve-webhook.service
    until_it has_started_again delve-webhook.service "$before"
  done
}

# disk_unit [LINE…]: the spool is a disk of its own, with a mount unit.
disk_unit() {
  {
    printf '[Mount]\nWhat=/dev/spool-disk\nWhere=%s\nType=ext4\n[Unit]\n' "$spool"
    printf '%s\n' "$@"
  } >"/etc/systemd/system/$mount_unit"
  systemctl daemon-reload
}

on_a_disk() {
  systemctl stop delve-webhook.socket
  disk_unit ''
  systemctl start "$mount_unit"
  systemd-tmpfiles --create delve-webhook.conf
  systemctl start delve-webhook.socket
  answers 202 deliver success
  equal "$(stat -c %T -f "$spool"), $(events)" "ext2/ext3, 1"
}

full_disk() {
  dd if=/dev/zero of="$spool/filling" bs=1M status=none || true
  answers 503 deliver success
  answers 503 health
  says 'code=spool-full' journalctl --no-pager --unit delve-webhook.service
}

space_again() {
  rm "$spool/filling"
  until_it answers 202 deliver success
}

# late_mount: the disk is there only when /run/tests/disk is.
late_mount() {
  local on_the_disk
  on_the_disk=$(events)
  systemctl stop delve-webhook.socket
  systemctl stop "$mount_unit"
  printf '[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/sh -c "until test -e /run/tests/disk; do sleep 0.1; done"\n' \
    >/etc/systemd/system/late-disk.service
  disk_unit Requires=late-disk.service After=late-disk.service
  systemctl start delve-webhook.socket
  served_once touch /run/tests/disk
  equal "$(events) on the disk" "$((on_the_disk + 1)) on the disk"
}

without_the_disk() {
  systemctl stop delve-webhook.socket
  systemctl stop "$mount_unit" late-disk.service
  rm "/etc/systemd/system/$mount_unit" /etc/systemd/system/late-disk.service
  systemctl daemon-reload
  systemctl start delve-webhook.socket
  answers 202 deliver success
}

# refuses_upgrade: dpkg refuses, and the version before stays whole.
refuses_upgrade() {
  local before
  before=$(version)
  refused '[1-9]*' dpkg -i /root/higher/delve-webhook_*.deb
  equal "$(version)" "$before"
  equal "$(dpkg --audit)" ""
}

served_by nginx
higher_version
check "the service answers" answers 202 deliver success
cp -p "$config" /run/tests/config.yaml
echo 'nonsense: 1' >>"$config"
check "a wrong configuration: reload says so" refused '[1-9]*' systemctl reload delve-webhook
check "and the one before stays in force" answers 202 deliver success
check "a restart says so" refused '[1-9]*' systemctl restart delve-webhook
check "a delivery waits until the configuration is repaired" served_once repair
check "the service answers again" answers 202 deliver success

systemctl stop delve-webhook.service 2>/dev/null
check "a stopped service starts with the next delivery" answers 202 deliver success
check "a stopped socket lasts" stop_socket
check "until it starts again" systemctl start delve-webhook.socket
check "then deliveries are stored" answers 202 deliver success
check "kills under load lose nothing" under_load kill_service

check "a spool on a disk of its own" on_a_disk
check "a full disk is said" full_disk
check "space that came back is used" space_again
check "a delivery waits for a disk that comes late" late_mount
check "back to the spool beneath it" without_the_disk

echo 2 >"$spool/acme/format"
check "a spool of another version: the package refuses to be upgraded" refuses_upgrade
check "config check refuses" refused 78 as_owner delve-webhook config check
check "the runner refuses" refused 74 as_owner delve-webhook spool run --once -- true
check "the forwarder refuses" refused 74 as_owner delve-webhook-forward --to http://localhost:1/
check "the responder refuses" refused '[1-9]*' systemctl restart delve-webhook
echo 1 >"$spool/acme/format"
check "with its own version, it is served again" until_it answers 202 deliver success
check "the system is running" is_running
