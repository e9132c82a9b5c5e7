package import Glibc

/// Makes `bytes` the contents of the plain file `name` in an open folder, atomically and durably: a
/// crash leaves the old contents or the new.
/// - Parameters:
///   - path: the folder's, for messages.
///   - draft: the name that the new file has until it is whole. Two writers must not use one at the
///     same time; what a crash left there is overwritten.
///   - owner: whose file it shall be, and its mode; by default the process's own, and 0640.
package func replaceDurably(
  _ name: String, inFolder folder: Int32, _ path: String, with bytes: [UInt8], draft: String,
  owner: FileOwner? = nil, calls: SystemCalls = SystemCalls()
) throws(SystemError) {
  let draftPath = "\(path)/\(draft)"
  // Not to wait for a reader should a pipe lie there.
  let flags = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC
  let file = FileDescriptor(
    owning: try checked(.open, draftPath) {
      calls.openat(folder, draft, flags, owner == nil ? 0o640 : 0o600)
    })
  let descriptor = file.raw
  do throws(SystemError) {
    try writeAll(bytes, to: descriptor, draftPath, by: calls.write)
    if let owner { try owner.apply(to: descriptor, draftPath) }
    try checked(.fsync, draftPath) { calls.fsync(descriptor) }
    try checked(.renameat, "\(path)/\(name)") { calls.renameat(folder, draft, folder, name) }
  } catch {
    _ = calls.unlinkat(folder, draft, 0)
    throw error
  }
  // Without it, a power cut may bring the old file back.
  try checked(.fsync, path) { calls.fsync(folder) }
}

/// The same for the file at `path`, which must be there: its mode and owner stay, and so do
/// symbolic links that lead to it.
package func replaceFileDurably(_ path: String, with bytes: [UInt8]) throws(SystemError) {
  guard let resolved = realpath(path, nil) else {
    throw SystemError(.realpath, path, errno: errno)
  }
  defer { free(resolved) }
  let target = String(cString: resolved)
  let name = target.split(separator: "/").last.map(String.init) ?? target
  let folderPath = String(target.dropLast(name.count + 1))
  let owner = try FileOwner(of: target)
  let folder = FileDescriptor(
    owning: try checked(.open, folderPath) {
      open(folderPath.isEmpty ? "/" : folderPath, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    })
  // Another process may do the same.
  let draft = "\(name).\(String(UInt64.random(in: .min ... .max), radix: 16))"
  try replaceDurably(
    name, inFolder: folder.raw, folderPath, with: bytes, draft: draft, owner: owner)
}

/// Makes `bytes` the contents of the file at `path`, in a folder that is there, atomically and
/// durably. The file is the process's own, everybody may read it, and nothing that is there already
/// is followed or kept.
package func makeFileDurably(_ path: String, with bytes: [UInt8]) throws(SystemError) {
  let name = String(path.split(separator: "/").last ?? "")
  let folderPath = path.contains("/") ? String(path.dropLast(name.count)) : "."
  let folder = FileDescriptor(
    owning: try checked(.open, folderPath) {
      open(folderPath, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    })
  try replaceDurably(
    name, inFolder: folder.raw, folderPath, with: bytes, draft: ".\(name).new",
    owner: FileOwner(user: geteuid(), group: getegid(), mode: 0o644))
}

/// A file's user, group and mode.
package struct FileOwner: Sendable {
  private let user: uid_t
  private let group: gid_t
  private let mode: mode_t

  package init(user: uid_t, group: gid_t, mode: mode_t) {
    (self.user, self.group, self.mode) = (user, group, mode)
  }

  package init(of path: String) throws(SystemError) {
    var status = Glibc.stat()
    try checked(.stat, path) { stat(path, &status) }
    (user, group, mode) = (status.st_uid, status.st_gid, status.st_mode & 0o7777)
  }

  fileprivate func apply(to descriptor: Int32, _ path: String) throws(SystemError) {
    var own = Glibc.stat()
    try checked(.fstat, path) { fstat(descriptor, &own) }
    if own.st_uid != user || own.st_gid != group {
      try checked(.fchown, path) { fchown(descriptor, user, group) }
    }
    try checked(.fchmod, path) { fchmod(descriptor, mode) }
  }
}
