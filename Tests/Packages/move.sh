# Sourced by run. The part `move`: configuration and spool go to another machine, of the other
# release if its root has been made already, by the commands of the README.

part_move() {
  local known root other=$release
  for known in bookworm trixie; do
    if [[ $known != "$release" ]] && has_base_root "$known"; then other=$known; fi
  done
  part receiver move-away
  new_root successor "$other"
  cp "$scratch/receiver/root/delve-webhook-backup.tar.gz" "$root/root/"
  cp -r "$scratch/receiver/root/keys" "$root/root/keys"
  boot successor "$root"
  echo "The successor runs $other"
  part successor move-here
}
