#!/usr/bin/env bash
# A new key of the instance is fetched while deliveries with the old one still come.
# shellcheck source=../checks.sh
source /root/tests/checks.sh

# fetch: the stand-in's authority is the system's, as a company's own would be.
fetch() { delve-webhook keys fetch acme --yes; }

served_by nginx
cp "$keys/ca.pem" /usr/local/share/ca-certificates/stand-in.crt
update-ca-certificates >/dev/null 2>&1
check "nothing is new before" says 'nothing' fetch
new_key acme-next P-521
check "a key that nobody knows is refused" answers 401 deliver success --key "$keys/acme-next.pem"
publish_key acme-next acme
check "the instance's new key is fetched" fetch
check "and taken without a restart" until_it answers 202 deliver success --key "$keys/acme-next.pem"
check "deliveries with the old one are still stored" answers 202 deliver success
check "the service is told two keys" says acme as_owner delve-webhook keys check
publish_key acme
