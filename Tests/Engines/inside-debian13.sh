#!/usr/bin/env bash
# Run by `run` in namespaces of its own: runs built tests in a root of Debian 13, against its programs
# and libraries. The toolchain's libraries and the repository are where they are outside.
#
# Arguments: the root, the repository, and the tests' names
set -euo pipefail

debian13=$1 root=$2 tests=$3
runtime=$(dirname "$(dirname "$(readlink -f "$(command -v swift)")")")/lib/swift
for folder in "$runtime" "$root"; do
  mkdir -p "$debian13$folder"
  mount --bind --options ro "$folder" "$debian13$folder"
done
mount --rbind /dev "$debian13/dev"
mount -t proc proc "$debian13/proc"
mount -t tmpfs -o mode=1777 tmpfs "$debian13/tmp"

in_debian13() {
  chroot "$debian13" env -i -C "$root" HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 "$@"
}

in_debian13 sh -c '/usr/lib/postgresql/*/bin/postgres --version'
in_debian13 pgbouncer --version
in_debian13 .build/debug/delve-webhookPackageTests.xctest --testing-library swift-testing --filter "$tests"
