internal import CommandLineProgram
internal import Glibc
internal import WebhookCore

/// Puts `contents` in the place of the file at `path`, atomically and durably; its mode and owner
/// stay. Where symbolic links lead to it, they stay too.
func replaceFile(_ path: String, with contents: [UInt8]) throws(CommandFailure) {
  guard let resolved = realpath(path, nil) else { throw failure("realpath", path) }
  defer { free(resolved) }
  let target = String(cString: resolved)
  let temporary = "\(target).\(String(UInt64.random(in: .min ... .max), radix: 16))"
  var status = stat()
  guard stat(target, &status) == 0 else { throw failure("stat", target) }
  let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
  guard descriptor >= 0 else { throw failure("open", temporary) }
  defer { close(descriptor) }
  do throws(CommandFailure) {
    try writeAll(contents, to: descriptor, temporary)
    var own = stat()
    try check("fstat", temporary, fstat(descriptor, &own) == 0)
    if own.st_uid != status.st_uid || own.st_gid != status.st_gid {
      try check("fchown", temporary, fchown(descriptor, status.st_uid, status.st_gid) == 0)
    }
    try check("fchmod", temporary, fchmod(descriptor, status.st_mode & 0o7777) == 0)
    try check("fsync", temporary, fsync(descriptor) == 0)
    try check("rename", target, rename(temporary, target) == 0)
  } catch {
    unlink(temporary)
    throw error
  }
  try syncFolder(of: target)
}

private func writeAll(
  _ contents: [UInt8], to descriptor: Int32, _ path: String
) throws(CommandFailure) {
  var rest = contents[...]
  while !rest.isEmpty {
    let written = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    if written < 0 && errno == EINTR { continue }
    try check("write", path, written > 0)
    rest = rest.dropFirst(written)
  }
}

/// Without it, a power cut may bring the old file back.
private func syncFolder(of path: String) throws(CommandFailure) {
  let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
  let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
  guard descriptor >= 0 else { throw failure("open", folder) }
  defer { close(descriptor) }
  try check("fsync", folder, fsync(descriptor) == 0)
}

private func check(_ call: String, _ path: String, _ isGood: Bool) throws(CommandFailure) {
  guard isGood else { throw failure(call, path) }
}

private func failure(_ call: String, _ path: String) -> CommandFailure {
  CommandFailure(
    description: "\(printable(path)): \(call): \(String(cString: strerror(errno)))",
    exitCode: EX_CANTCREAT)
}
