internal import CommandLineProgram
internal import Glibc
internal import LinuxSystem
internal import WebhookCore

/// Changes to files and folders that are all undone if a later one fails. What is as wanted already
/// is left alone.
struct UndoableChanges {
  /// What was changed, for the operator.
  private(set) var paths: [String] = []
  private var undoing: [() -> Void] = []

  /// Makes `bytes` the file's contents, durably. A new one belongs to root, and everybody may read
  /// it; another keeps owner, mode, and links that lead to it.
  mutating func write(_ bytes: [UInt8], to path: String) throws(CommandError) {
    let old = try fileIfThere(path)
    guard old != bytes else { return }
    try makeFolder(parentFolder(path))
    do throws(SystemError) {
      if old == nil {
        try makeFileDurably(path, with: bytes)
      } else {
        try replaceFileDurably(path, with: bytes)
      }
    } catch {
      throw CommandError(cannotWrite: error)
    }
    undoing.append {
      // What somebody else has written meanwhile is theirs.
      guard (try? fileIfThere(path)) == bytes else {
        return printError("\(printable(path)) was changed meanwhile: it stays as it is")
      }
      if let old { try? replaceFileDurably(path, with: old) } else { unlink(path) }
    }
    paths.append(path)
  }

  /// Removes a file that begins with this text, and a unit's folder of drop-ins with its last one.
  mutating func remove(_ path: String, beginningWith mark: String) throws(CommandError) {
    guard let old = try fileIfThere(path), old.starts(with: mark.utf8) else { return }
    do throws(SystemError) {
      try checked(.unlinkat, path) { unlink(path) }
    } catch {
      throw CommandError(cannotWrite: error)
    }
    // A folder of drop-ins is of no use if nothing else is in it.
    let folder = parentFolder(path)
    let isGone = folder.hasSuffix(".service.d") && rmdir(folder) == 0
    undoing.append {
      if isGone { mkdir(folder, 0o755) }
      try? makeFileDurably(path, with: old)
    }
    paths.append(path)
  }

  /// Makes a folder, and those above it, that everybody may look into.
  mutating func makeFolder(_ path: String) throws(CommandError) {
    var status = Glibc.stat()
    if stat(path, &status) == 0 { return }
    try makeFolder(parentFolder(path))
    do throws(SystemError) {
      try checked(.mkdir, path) { mkdir(path, 0o755) }
      undoing.append { rmdir(path) }
      // Whatever the mask is that the operator works with.
      try checked(.chmod, path) { chmod(path, 0o755) }
    } catch {
      throw CommandError(cannotWrite: error)
    }
  }

  /// Gives a folder to a user, for that user and its group only. If it is that user's already, its
  /// group and mode stay as the operator has set them.
  mutating func give(_ path: String, to user: ServiceUser) throws(CommandError) {
    var status = Glibc.stat()
    let mode: mode_t = 0o750
    do throws(SystemError) {
      try checked(.stat, path) { stat(path, &status) }
      guard status.st_uid != user.id else { return }
      try checked(.chown, path) { chown(path, user.id, user.group) }
      let old = status
      undoing.append {
        _ = chown(path, old.st_uid, old.st_gid)
        chmod(path, old.st_mode & 0o7777)
      }
      try checked(.chmod, path) { chmod(path, mode) }
    } catch {
      throw CommandError(cannotWrite: error)
    }
    paths.append(path)
  }

  /// The last one first.
  mutating func undo() {
    while let step = undoing.popLast() { step() }
    paths = []
  }
}
