# Sourced by run: the base root of a release, which is kept between runs.

# What a machine has before our packages come: an init, the web servers, the packages' dependencies
# (a container has no network to fetch them), and what the stand-ins are made of.
root_packages=(systemd-sysv dbus ca-certificates
  nginx apache2 libapache2-mod-fcgid
  libfcgi0ldbl libssl3 libyaml-0-2 libpq5 libcurl4 curl
  postgresql python3 jq openssl spawn-fcgi)

# In the root, nothing starts by itself but nginx: Apache would want the same port.
root_disabled=(apache2 apache-htcacheclean postgresql)

root_list="${root_packages[*]}, disabled: ${root_disabled[*]}"
root_cache=${XDG_CACHE_HOME:-$HOME/.cache}/delve-webhook

# has_base_root RELEASE: whether there is a root, made from this list. A folder with the final name
# is always whole.
has_base_root() {
  [[ $(cat "$root_cache/$1/.made-from" 2>/dev/null) == "$root_list" ]]
}

# copy_base_root RELEASE DIR: copies the release's root to DIR. If there is none yet, makes it.
copy_base_root() {
  local release=$1 root=$root_cache/$1
  mkdir -p "$root_cache"
  (
    flock 9
    if ! has_base_root "$release"; then
      echo "Making the root of $release in $root, once" >&2
      rm -rf "$root" "$root.new"
      make_root "$release" "$root.new" >"$root.log" 2>&1 || { tail -n 20 "$root.log" >&2; exit 69; }
      echo "$root_list" >"$root.new/.made-from"
      mv "$root.new" "$root"
    fi
    cp -a --reflink=auto "$root" "$2"
  ) 9>"$root_cache/$release.lock"
}

# make_root RELEASE DIR: installs the release and its packages into DIR. No service is started.
make_root() {
  local release=$1 root=$2
  eatmydata debootstrap --variant=minbase --include=eatmydata,ca-certificates \
    --keyring=/usr/share/keyrings/debian-archive-keyring.gpg "$release" "$root" \
    http://deb.debian.org/debian || return
  printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
  chmod 755 "$root/usr/sbin/policy-rc.d"
  in_root "$root" eatmydata apt-get install -y -qq --no-install-recommends "${root_packages[@]}" &&
    in_root "$root" systemctl disable "${root_disabled[@]}" || return
  rm -f "$root/usr/sbin/policy-rc.d"
  rm -rf "$root"/var/cache/apt/archives/*.deb
  echo receiver >"$root/etc/hostname"
  echo '127.0.0.1 localhost receiver' >"$root/etc/hosts"
}

# in_root ROOT COMMAND…: runs COMMAND in a root that is not booted. Nothing stays mounted.
in_root() {
  local root=$1
  shift
  unshare --mount --pid --fork --kill-child --mount-proc="$root/proc" \
    chroot "$root" env -i "${clean_environment[@]}" DEBIAN_FRONTEND=noninteractive "$@"
}
