#!/usr/bin/env bash
# The archive for other distributions, unpacked into /usr/local, serves as the packages do.
# shellcheck source=../checks.sh
source /root/tests/checks.sh

version_is_the_archives() { equal "$(type -P delve-webhook)" /usr/local/bin/delve-webhook; }

# definitions: the lines that `setup` prints for nginx's http block, where no package has put them.
definitions() {
  grep 'conf.d/delve-webhook.conf' /run/tests/steps
  grep -oE 'include delve-webhook/(http|upstream)\.conf;' /run/tests/steps \
    >/etc/nginx/conf.d/delve-webhook.conf
  equal "$(wc -l </etc/nginx/conf.d/delve-webhook.conf)" 2
}

start_stand_in
purge_all >/run/tests/purge.log 2>&1
cd "$packages"
check "the archive is unpacked" documented archive
hash -r
check "its programs are on the PATH" version_is_the_archives
check "nothing serves before there is a configuration" equal \
  "$(systemctl list-units --state active --plain --no-legend 'delve-webhook*')" ""
check "setup makes an instance" set_up acme
check "it says what nginx needs for all" definitions
check "nginx takes the line that was printed" include_and_reload
check "deliveries are stored, and duplicates known" answers "202 200" deliver success --repeat 2
check "the units run the archive's program" says /usr/local/bin/delve-webhook-fcgi \
  systemctl show --property ExecStart delve-webhook
check "the system is running" is_running
systemctl disable --quiet --now delve-webhook.socket delve-webhook.service
tar --list -zf delve-webhook-*.tar.gz | sed 's|^[^/]*|/usr/local|' | xargs rm -f
rm -r /etc/nginx/conf.d/delve-webhook.conf /usr/local/share/delve-webhook /usr/local/share/doc/delve-webhook
purge_all >/run/tests/purge.log 2>&1
