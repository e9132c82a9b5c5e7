internal import CommandLineProgram
internal import Glibc
internal import LinuxSystem
internal import WebhookCore

/// The bytes of a plain file, 1 MiB at most; nil if there is nothing at this path.
func fileIfThere(_ path: String) throws(CommandError) -> [UInt8]? {
  let limit = 1 << 20
  var status = Glibc.stat()
  guard stat(path, &status) == 0 else {
    let code = errno
    guard code == ENOENT, lstat(path, &status) != 0 else {
      throw .noInput(
        code == ENOENT
          ? "\(printable(path)) is a link that leads nowhere"
          : "\(printable(path)): \(errorText(code))")
    }
    return nil
  }
  guard status.st_mode & S_IFMT == S_IFREG, status.st_size <= limit else {
    throw .noInput("\(printable(path)): not a plain file of at most \(limit) bytes")
  }
  do throws(SystemError) {
    return try contents(ofFile: path, maxBytes: limit)
  } catch {
    throw .noInput("\(printable(path)): \(error.reason)")
  }
}

/// The path from the root on, if the folder that the program runs in has one.
func absolute(_ path: String) -> String {
  guard !path.hasPrefix("/"), let folder = getcwd(nil, 0) else { return path }
  defer { free(folder) }
  return "\(String(cString: folder))/\(path)"
}

/// The path that links lead to; nil if nothing is there.
func pathBehindLinks(_ path: String) -> String? {
  guard let real = realpath(path, nil) else { return nil }
  defer { free(real) }
  return String(cString: real)
}

/// The folder of an absolute path.
func parentFolder(_ path: String) -> String {
  guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return "/" }
  return String(path[..<slash])
}

/// The names in a folder, sorted; none if it is not there.
func names(inFolder path: String) throws(CommandError) -> [String] {
  var names: [String] = []
  do throws(SystemError) {
    let folder = FileDescriptor(
      owning: try checked(.open, path) { open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) })
    try forEachName(inFolder: folder, path) { name in
      names.append(String(decoding: name, as: UTF8.self))
      return true
    }
  } catch  where error.errno == ENOENT {
    return []
  } catch {
    throw .noInput("\(printable(path)): \(error.reason)")
  }
  return names.sorted()
}
