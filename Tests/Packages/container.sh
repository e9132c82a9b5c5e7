# Sourced by run: a root that is booted with a systemd of its own, without network.

clean_environment=(PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
  HOME=/root LANG=C.UTF-8 TERM=dumb)

# Where the hierarchy of cgroup2 is: on its own, or beside the controllers of version 1.
cgroups() {
  findmnt --noheadings --first-only --types cgroup2 --output TARGET ||
    { echo "This machine has no cgroup2 file system: systemd cannot boot in a container." >&2; exit 69; }
}

# The containers of this run: name to folder, nspawn's process, first process inside, loop device.
declare -A container_root=() container_nspawn=() container_init=() container_disk=()

# boot NAME ROOT: boots ROOT and waits until it runs. In it, /dev/spool-disk is a disk of 192 MiB
# with ext4.
boot() {
  local name=$1 root=$2 group
  group=$(cgroups)/delve-webhook-tests-$$-$name
  container_root[$name]=$root
  truncate --size 192M "$root.disk"
  mkfs.ext4 -q -m 0 "$root.disk"
  container_disk[$name]=$(losetup --find --show "$root.disk")
  # A cgroup of its own for each container: in a shared one, services take 90 seconds to stop.
  mkdir "$group"
  (
    echo "$BASHPID" >"$group/cgroup.procs"
    SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 exec systemd-nspawn --quiet --boot --private-network \
      --directory "$root" --machine "delve-webhook-tests-$$-$name" --register=no --keep-unit \
      --bind="${container_disk[$name]}:/dev/spool-disk" \
      --console=pipe </dev/null >"$root.console" 2>&1
  ) &
  container_nspawn[$name]=$!
  local state=
  for _ in {1..600}; do
    container_init[$name]=$(pgrep --parent "${container_nspawn[$name]}" || true)
    state=$(inside "$name" systemctl is-system-running 2>&1) && return
    [[ -d /proc/${container_nspawn[$name]} && $state != degraded ]] || break
    sleep 0.1
  done
  echo "$name does not reach running, but says: $state" >&2
  inside "$name" systemctl --failed --no-pager >&2 || true
  tail -n 20 "$root.console" >&2
  return 1
}

# inside NAME COMMAND…: runs COMMAND in a booted container, as root.
inside() {
  local init=${container_init[$1]}
  shift
  [[ -n $init ]] || { echo "it has not started"; return 1; }
  nsenter --target "$init" --mount --uts --ipc --net --pid --cgroup --root --wd \
    env -i "${clean_environment[@]}" "$@"
}

# tear_down: ends every container and removes all that it was made of, as far as it has come.
tear_down() {
  local name group
  set +e
  for name in "${!container_root[@]}"; do
    group=$(cgroups)/delve-webhook-tests-$$-$name
    # Once its first process is dead, nspawn ends by itself and puts away what it has made.
    echo 1 >"$group/payload/cgroup.kill" || echo 1 >"$group/cgroup.kill"
    wait "${container_nspawn[$name]-}"
    # nspawn makes one in the hierarchy of version 1, too.
    find /sys/fs/cgroup -depth -type d -path "*/${group##*/}*" -exec rmdir {} +
    losetup --detach "${container_disk[$name]-}"
  done 2>/dev/null
  rm -rf "$scratch"
}
