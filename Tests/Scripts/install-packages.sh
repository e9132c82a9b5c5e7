# Sourced by the scripts that build, run and test: checks and installs the tools that they need.

# require_swift: ends the script with a message if there is no Swift toolchain, 6.2 or newer.
require_swift() {
  local version
  if ! command -v swift >/dev/null; then
    echo "No swift on the PATH: install a Swift toolchain, 6.2 or newer (https://www.swift.org/install/linux/)." >&2
    exit 69
  fi
  version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\.[0-9]*\).*/\1/p' | head -n 1)
  if [[ $(printf '%s\n6.2\n' "$version" | sort -V | head -n 1) != 6.2 ]]; then
    echo "Swift ${version:-of an unknown version} is too old: install 6.2 or newer (https://www.swift.org/install/linux/)." >&2
    exit 69
  fi
}

# may_install NAME…: at a terminal, asks whether to install the packages, unless `assume_yes` is "yes"
# (--yes). Without a terminal nobody can be asked.
may_install() {
  local answer
  if [[ ${assume_yes:-no} == yes || ! -t 0 || ! -t 2 ]]; then return; fi
  echo "These Debian packages are missing: $*" >&2
  read -rp "Install them? Their services are not started. [y/N] " answer
  [[ $answer == [yY]* ]]
}

# install_packages NAME…: installs the missing Debian packages. Their services are not started: a
# policy-rc.d of our own forbids this during the installation (invoke-rc.d(8)).
install_packages() {
  local name missing=() policy=/usr/sbin/policy-rc.d
  for name in "$@"; do
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null) == installed ]] || missing+=("$name")
  done
  ((${#missing[@]})) || return 0
  if ((EUID != 0)); then
    echo "Debian packages are missing. As root: apt-get install --no-install-recommends ${missing[*]}" >&2
    exit 69
  fi
  if ! may_install "${missing[@]}"; then
    echo "Nothing was installed. --yes asks no question." >&2
    exit 69
  fi
  echo "Installing Debian packages: ${missing[*]}"
  (
    # Removes the remains of an interrupted installation.
    if [[ -e $policy.delve-webhook || -L $policy.delve-webhook ]]; then
      mv -f "$policy.delve-webhook" "$policy"
    elif grep -qs 'of delve-webhook' "$policy"; then
      rm -f "$policy"
    fi
    had_policy=no
    if [[ -e $policy || -L $policy ]]; then
      had_policy=yes
      mv "$policy" "$policy.delve-webhook"
    fi
    restore() {
      rm -f "$policy"
      if [[ $had_policy == yes ]]; then mv "$policy.delve-webhook" "$policy"; fi
    }
    trap restore EXIT
    trap 'exit 130' INT TERM
    printf '#!/bin/sh\n# of delve-webhook, while packages are installed\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
  )
}

# install_test_packages: what the tests of this package need, to be built and to run.
install_test_packages() {
  install_packages libfcgi-dev libssl-dev libyaml-dev pkg-config nginx apache2 \
    libapache2-mod-fcgid spawn-fcgi systemd wrk strace iproute2 mandoc groff-base jq curl openssl \
    faketime libpq-dev libcurl4-openssl-dev postgresql pgbouncer prometheus prometheus-node-exporter \
    fail2ban python3-systemd logcheck msmtp-mta systemd-journal-remote python3 python3-yaml \
    python3-prometheus-client chromium chromium-driver
}
