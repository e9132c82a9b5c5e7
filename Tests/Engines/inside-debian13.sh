#!/usr/bin/env bash
# Run by `run` with processes and mounts of its own: runs built tests in a root of Debian 13,
# against its programs and libraries. Swift's libraries and the repository are where they are
# outside.
#
# Arguments: the root, the repository, and the tests' names
set -euo pipefail

debian13=$1 root=$2 tests=$3
environment=(HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8)
bundle=$root/.build/debug/delve-webhookPackageTests.xctest
swift_libraries=$(ldd "$bundle" | sed -n 's|.*=> \(.*\)/libswiftCore.so .*|\1|p')
for folder in "$swift_libraries" "$root"; do
  mkdir -p "$debian13$folder"
  mount --bind --options ro "$folder" "$debian13$folder"
done
mount --rbind /dev "$debian13/dev"
mount -t proc proc "$debian13/proc"

# in_debian13 COMMAND…
in_debian13() {
  chroot "$debian13" env -i -C "$root" "${environment[@]}" "$@"
}

in_debian13 sh -c '/usr/lib/postgresql/*/bin/postgres --version'
in_debian13 pgbouncer --version
in_debian13 "$bundle" --testing-library swift-testing --filter "$tests"
