# Sourced by checks.sh: puts the machine into the state that a part begins with, as an operator would.

# install_ours: installs the packages.
install_ours() {
  apt-get install -y -qq --no-install-recommends --reinstall --allow-downgrades "$packages"/*.deb
}

# purge_all: takes everything of ours off the machine, also what a purge leaves.
purge_all() {
  systemctl stop apache2 nginx
  apt-get purge -y -qq 'delve-webhook*' 2>/dev/null || true
  umount -q "$spool" || true
  rm -rf /etc/delve-webhook "$spool" /etc/{nginx,apache2}/delve-webhook /etc/tmpfiles.d/delve-webhook.conf \
    /etc/systemd/system/delve-webhook* /etc/apache2/conf-enabled/delve-webhook-* /var/l{ib,og}/delve-webhook
  sed -i '/delve-webhook/d' /etc/nginx/sites-available/default
  systemctl daemon-reload
  systemctl reset-failed
  rm -f /run/tests/served-by
}

# set_up NAME [OPTION…]: `delve-webhook setup` with the stand-in instance of that name.
set_up() {
  local name=$1
  shift
  delve-webhook setup "$name" "https://$name.delvesecurity.test" --ca-file "$keys/ca.pem" \
    --base-url "http://127.0.0.1/webhooks/delve/$name" --yes "$@" | tee /run/tests/steps
}

# include_and_reload: does in the web server what the last `setup` has printed.
include_and_reload() {
  local line
  if grep -q a2enconf /run/tests/steps; then
    systemctl start apache2
    eval "$(sed -n 's/^ *\(a2[a-z]* .*\)/\1/p' /run/tests/steps)"
  else
    systemctl start nginx
    line=$(grep -o 'include delve-webhook/locations.conf;' /run/tests/steps)
    sed -i "/server_name _;/a $line" /etc/nginx/sites-available/default
  fi
  eval "$(sed -n 's/^ *Then: //p' /run/tests/steps)"
  # A reload returns before the new configuration serves.
  until_it answers 200 health
  # A reload goes on after its command has ended.
  until_it answers 200 health
}

# served_by SERVER [OPTION…]: the three commands, from nothing, unless the parts before have left the
# machine like that.
served_by() {
  [[ $(cat /run/tests/served-by 2>/dev/null) != "$*" ]] || return 0
  check "three commands, from nothing: $*" three_commands "$@"
  echo "$*" >/run/tests/served-by
}

three_commands() {
  start_stand_in
  purge_all
  install_ours
  set_up acme --server "$@"
  include_and_reload
}

# higher_version [NAME]: makes packages of a higher version, the same otherwise, in /root/higher.
higher_version() {
  local file folder
  [[ ! -e /root/higher ]] || return 0
  mkdir /root/higher
  for file in "$packages"/*.deb; do
    folder=$(mktemp -d)
    dpkg-deb -R "$file" "$folder"
    sed -i 's/^\(Version: .*\)/\1+higher/; s/(= \([^)]*\))/(= \1+higher)/' "$folder/DEBIAN/control"
    dpkg-deb -Znone -b "$folder" /root/higher >/dev/null
    rm -rf "$folder"
  done
}

# version: the installed one.
version() { dpkg-query --show --showformat '${db:Status-Status} ${Version}' delve-webhook; }

# start_stand_in: starts the stand-in of the vendor's instances, over TLS with an authority of our
# own: *.delvesecurity.test serve their keys. An nginx of its own, which the tests do not touch.
start_stand_in() {
  local name site=/srv/stand-in
  [[ ! -d $site ]] || return 0
  mkdir -p $site
  openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=authority \
    -keyout "$keys/ca.key" -out "$keys/ca.pem" 2>/dev/null
  openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=delvesecurity.test \
    -addext 'subjectAltName=DNS:*.delvesecurity.test' -addext basicConstraints=CA:FALSE \
    -CA "$keys/ca.pem" -CAkey "$keys/ca.key" -keyout $site/tls.key -out $site/tls.pem 2>/dev/null
  for name in acme beta; do
    new_key "$name" P-521
    publish_key "$name"
  done
  new_key small P-256
  publish_key small
  mkdir -p $site/nothing
  for name in acme beta small nothing; do echo "127.0.0.1 $name.delvesecurity.test"; done >>/etc/hosts
  systemd-run --quiet --unit stand-in nginx -c "$tests/stand-in.conf" -g 'daemon off;'
  until_it curl -sf --cacert "$keys/ca.pem" https://acme.delvesecurity.test/api/webhook.key
}

# new_key NAME CURVE: makes a key pair, /root/keys/NAME.pem.
new_key() {
  openssl genpkey -algorithm EC -pkeyopt "ec_paramgen_curve:$2" -out "$keys/$1.pem"
}

# publish_key NAME [HOST]: the stand-in instance HOST (by default of the same name) serves this key.
publish_key() {
  install -d "/srv/stand-in/${2-$1}/api"
  openssl pkey -in "$keys/$1.pem" -pubout -out "/srv/stand-in/${2-$1}/api/webhook.key"
}
