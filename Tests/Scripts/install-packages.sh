# Sourced by the scripts that build, run and test: what they need of the machine.

# require_swift: a Swift toolchain of 6.2 or newer, or the end with a sentence that says so.
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

# install_packages NAME…: installs the Debian packages that are missing. Nothing that they would
# start is started: a policy-rc.d of our own says no while they are installed (invoke-rc.d(8)).
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
  echo "Installing Debian packages: ${missing[*]}"
  (
    # What an install that was cut off has left behind.
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
