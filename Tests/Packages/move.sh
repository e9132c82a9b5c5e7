# Sourced by run. The part `move`: configuration and spool go to another machine, of the other
# release if its root has been made already. There, the packages are installed into a root that is
# not booted, and the machine starts with everything in its place.

part_move() {
  local known root other=$release
  for known in bookworm trixie; do
    if [[ $known != "$release" ]] && has_base_root "$known"; then other=$known; fi
  done
  part receiver move-away
  new_root successor "$other"
  in_root "$root" bash -c 'apt-get install -y -qq --no-install-recommends /root/packages/*.deb' \
    >"$scratch/move.log" 2>&1 || { cat "$scratch/move.log" >&2; return 1; }
  cp "$scratch/receiver/root/moved.tar" "$root/root/moved.tar"
  cp -r "$scratch/receiver/root/keys" "$root/root/keys"
  in_root "$root" tar --extract --file /root/moved.tar --directory /
  boot successor "$root"
  echo "The successor runs $other"
  part successor move-here
}
