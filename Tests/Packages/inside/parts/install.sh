#!/usr/bin/env bash
# Both packages install without a network into a running system, start nothing but a socket that
# waits for a configuration, and disturb no web server.
# shellcheck source=../checks.sh
source /root/tests/checks.sh

enabled() {
  equal "$(systemctl list-unit-files --state enabled --no-legend 'delve-webhook*' | awk '{ print $1 }')" \
    delve-webhook.socket
}

# prints_version PROGRAM: `--version` begins with the package's own version, names the commit that the
# package was built from, and has the spool's format.
prints_version() {
  local said commit
  said=$("$1" --version)
  commit=$(zgrep -oE 'of commit [0-9a-f]{40}(-modified)?' /usr/share/doc/delve-webhook/changelog.gz)
  echo "$said"
  equal "$(head -n 1 <<<"$said")" "$1 $(dpkg-query --show --showformat '${Version}' delve-webhook)"
  equal "$(grep '^commit ' <<<"$said")" "${commit#of }"
  grep -q '^spool format 1$' <<<"$said"
}

installed_files() {
  local file
  for file in /usr/share/man/man1/delve-webhook{,-setup,-spool-run,-keys-fetch}.1.gz \
    /usr/share/man/man5/delve-webhook{.yaml,-spool}.5.gz \
    /usr/share/man/man7/delve-webhook{,-operations}.7.gz \
    /usr/share/man/man8/delve-webhook-{fcgi,forward}.8.gz \
    /usr/share/bash-completion/completions/delve-webhook{,-forward} \
    /usr/share/zsh/vendor-completions/_delve-webhook \
    /usr/share/fish/vendor_completions.d/delve-webhook.fish \
    /usr/share/doc/delve-webhook/examples/{config.yaml,recipes/{append,mail,export,mail-dead}} \
    /usr/share/doc/delve-webhook/examples/recipes/{rabbitmq,nats,redis,kafka,s3} \
    /usr/share/doc/delve-webhook/examples/monitoring/{alerts,alerts-test,prometheus}.yml \
    /usr/share/doc/delve-webhook/examples/monitoring/{dashboard.json,fail2ban/jail.conf} \
    /etc/fail2ban/filter.d/delve-webhook.conf /etc/logcheck/ignore.d.server/delve-webhook; do
    [[ -s $file ]] || { echo "missing or empty: $file"; return 1; }
  done
  for file in /usr/share/doc/delve-webhook/examples/recipes/*; do [[ -x $file ]]; done
  # logcheck runs as a user of its own.
  equal "$(stat -c '%a' /etc/logcheck/ignore.d.server/delve-webhook)" 644
  # Whether an address is banned, the operator decides.
  [[ ! -e /etc/fail2ban/jail.d/delve-webhook.conf ]]
}

# links_lead_somewhere: those of the documents to each other and to the examples.
links_lead_somewhere() {
  local page link
  cd /usr/share/doc/delve-webhook
  for page in {README,nginx,apache}.md*; do
    for link in $(zcat -f "$page" | grep -oE '\]\([^)#:]+[)#]' | sed -E 's/^..|.$//g'); do
      [[ -e $link || -e $link.gz ]] || { echo "$page leads to $link, which is not there"; return 1; }
    done
  done
  zcat -f README.md* | grep -q '](nginx.md)'
}

check "apt installs both packages" install_ours
check "the links of the documents lead somewhere" links_lead_somewhere
check "the system is running, nothing failed" is_running
check "only the socket is enabled" enabled
check "without a configuration, no unit runs" equal "$(systemctl list-units --state active --plain --no-legend 'delve-webhook*')" ""
check "the spool belongs to the user delve-webhook" equal "$(stat -c '%U:%G %a' "$spool")" "delve-webhook:delve-webhook 750"
for program in delve-webhook delve-webhook-fcgi delve-webhook-forward; do
  check "$program says which version it is" prints_version "$program"
done
check "manual pages, completions and examples are there" installed_files
check "the installed files are the package's" equal "$(dpkg --verify delve-webhook delve-webhook-forward)" ""
check "nginx takes its configuration" nginx -t
check "nginx reloads" systemctl reload nginx
check "Apache takes its configuration" apache2ctl configtest
check "installing again changes nothing that counts" install_ours
check "only the socket is enabled then" enabled
