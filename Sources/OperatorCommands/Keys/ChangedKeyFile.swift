internal import CommandLineProgram
internal import Glibc
internal import LinuxSystem
internal import WebhookConfiguration
internal import WebhookCore

/// The set of keys in the file at `path`; an empty one if there is no file.
func keySetIfThere(_ path: String) throws -> JSONWebKeySet {
  try keySet(fileIfThere(path), of: path)
}

/// - Parameter text: of the file; nil if there is none.
private func keySet(_ text: [UInt8]?, of path: String) throws(CommandError) -> JSONWebKeySet {
  guard let text else { return JSONWebKeySet() }
  do throws(KeyFileError) {
    return try JSONWebKeySet(parsing: text)
  } catch {
    throw CommandError.configuration("\(printable(path)) \(error.explanation)")
  }
}

/// Changes the set of keys in the file at `path`, durably: a crash leaves the old file or the new.
/// Another command that does the same waits. A file that is there keeps its owner and its mode; a new
/// one can be read by everybody, and so can the folders that it needs.
func changeKeySet(_ path: String, _ change: (inout JSONWebKeySet) throws -> Void) throws {
  let folder = parentFolder(absolute(path))
  do {
    try makeFolders(folder)
    let lock = FileDescriptor(
      owning: try checked(.open, folder) { open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) })
    let descriptor = lock.raw
    try checked(.flock, folder) { flock(descriptor, LOCK_EX) }
    let text = try fileIfThere(path)
    var keys = try keySet(text, of: path)
    try change(&keys)
    if text != nil {
      try replaceFileDurably(path, with: keys.text)
    } else {
      try makeFileDurably(path, with: keys.text)
    }
  } catch let error as SystemError {
    throw CommandError(cannotWrite: error)
  }
}

private func makeFolders(_ path: String) throws(SystemError) {
  var status = Glibc.stat()
  if stat(path, &status) == 0 { return }
  try makeFolders(parentFolder(path))
  try checked(.mkdir, path) { mkdir(path, 0o755) }
  // Whatever the mask is that the operator works with.
  try checked(.chmod, path) { chmod(path, 0o755) }
}
