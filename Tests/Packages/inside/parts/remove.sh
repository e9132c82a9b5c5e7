#!/usr/bin/env bash
# What removing and purging leave, and that a package command which dies half way can be repaired.
# shellcheck source=../checks.sh
source /root/tests/checks.sh

site=/etc/nginx/sites-available/default

remove() {
  apt-get remove -y -qq delve-webhook delve-webhook-forward
  equal "$(systemctl list-units --plain --no-legend 'delve-webhook*')" ""
}

kept() { state_of "$spool" /etc/delve-webhook; }

web_servers_start() {
  nginx -t && systemctl restart nginx
  curl -sf -o /dev/null http://127.0.0.1/
  apache2ctl configtest
  systemctl stop nginx
  systemctl start apache2
  systemctl stop apache2
  systemctl start nginx
}

# purge: says what stays, and where the web server still wants files that are gone.
purge() {
  local file
  apt-get purge -y delve-webhook delve-webhook-forward >/run/tests/purge.log 2>&1
  cat /run/tests/purge.log
  for file in "$spool" /etc/delve-webhook "$site"; do grep -F "$file" /run/tests/purge.log; done
}

nothing_else() {
  equal "$(find /etc -name '*delve-webhook*' -not -path '/etc/delve-webhook*'; find /usr -name '*delve-webhook*')" ""
}

# dying PLACE: a package whose postinst kills dpkg, once, at its begin or its end.
dying() {
  local folder script
  folder=$(mktemp -d)
  dpkg-deb -R "$packages"/delve-webhook_*.deb "$folder"
  script=$folder/DEBIAN/postinst
  sed -i "$1a if [ -e /run/tests/die ]; then rm /run/tests/die; kill -9 \$PPID; exit 1; fi" "$script"
  dpkg-deb -Znone -b "$folder" /run/tests/dying.deb
}

killed_at() {
  dying "$1"
  touch /run/tests/die
  refused 137 dpkg -i /run/tests/dying.deb
  [[ ! -e /run/tests/die ]]
  dpkg --audit | grep delve-webhook
  dpkg --configure -a
  equal "$(dpkg --audit)" ""
  answers 202 deliver success
}

# shadowed: a program and a unit of a manual installation hide the package's.
shadowed() {
  local file
  install -m 0755 /usr/bin/true /usr/local/bin/delve-webhook
  printf '[Service]\nExecStart=/bin/true\n' >/etc/systemd/system/delve-webhook.service
  # Not the package's: nobody is told to remove it.
  install -m 0755 /usr/bin/true /usr/local/bin/delve-webhook-notify
  install_ours >/run/tests/install.log 2>&1
  cat /run/tests/install.log
  if grep -F delve-webhook-notify /run/tests/install.log; then return 1; fi
  rm /usr/local/bin/delve-webhook{,-notify} /etc/systemd/system/delve-webhook.service
  systemctl daemon-reload
  for file in /usr/local/bin/delve-webhook /etc/systemd/system/delve-webhook.service; do
    grep -F "$file" /run/tests/install.log
  done
}

# Apache goes on without the program, and is served at once when the program is there again; a purge
# leaves nothing that keeps Apache from starting.
for server in apache apache-fcgid; do
  served_by "$server"
  check "$server: the packages are removed" remove
  check "$server: Apache starts without them" systemctl restart apache2
  check "$server: the packages are installed again" install_ours
  check "$server: and work at once" until_it answers 202 deliver success
done
check "the packages are purged" apt-get purge -y -qq delve-webhook delve-webhook-forward
check "Apache starts without their files" systemctl restart apache2
rm -f /run/tests/served-by

served_by nginx
dpkg -i "$packages"/*.deb >/run/tests/install.log 2>&1
check "a delivery is stored" answers 202 deliver success --repeat 1
check "dpkg that dies at the begin of postinst is repaired" killed_at 1
check "dpkg that dies at the end of postinst is repaired" killed_at '$'
install_ours >/run/tests/install.log 2>&1
# As an operator would: what a purge must take back, too.
systemctl enable --quiet delve-webhook-run.service delve-webhook-{prune,keys}.timer delve-webhook-forward.service
before=$(kept)
check "the packages are removed" remove
check "configuration and spool stay" equal "$(kept)" "$before"
check "the web servers go on" web_servers_start
check "the packages are installed again" install_ours
check "and work at once" answers 202 deliver success
check "the system is running" is_running
check "a manual installation that hides the package's files is named" shadowed
before=$(state_of "$spool" /etc/delve-webhook/keys)
check "a purge says what it leaves" purge
check "that is the spool and the keys" equal "$(state_of "$spool" /etc/delve-webhook/keys)" "$before"
check "nothing else is left" nothing_else
sed -i '/delve-webhook/d' "$site"
check "the web servers start once the line that it names is gone" web_servers_start
rm -f /run/tests/served-by
