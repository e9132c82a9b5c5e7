internal import Glibc
internal import LinuxSystem
internal import WebhookCore

/// The program that handles events: where it lies, and why it cannot be started.
struct HandlerProgram: Sendable {
  let path: [UInt8]

  /// - Parameters:
  ///   - name: a path if there is a slash in it; else it is looked up as execvp(3) does.
  ///   - searchPath: the value of `PATH`.
  init(_ name: [UInt8], on searchPath: ArraySlice<UInt8>?) throws(HandlerError) {
    if name.contains(UInt8(ascii: "/")) {
      path = name
      if let code = obstacleToStart(name) {
        throw HandlerError(
          message: "\(description): \(errorText(code)); name a program that can be executed")
      }
      return
    }
    let folders = searchPath ?? Array("/usr/local/bin:/usr/bin:/bin".utf8)[...]
    // An empty element is the working directory.
    for folder in folders.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false) {
      let file = (folder.isEmpty ? [UInt8(ascii: ".")] : folder) + [UInt8(ascii: "/")] + name
      if obstacleToStart(Array(file)) == nil {
        path = Array(file)
        return
      }
    }
    path = name
    throw HandlerError(message: "\(description): there is no such program on the PATH")
  }

  private var description: String { printable(String(decoding: path, as: UTF8.self)) }

  // MARK: What is wrong with it

  /// What an operator is told if execve(2) has failed with `code`.
  func explanation(of code: Int32) -> String {
    switch code {
    case ENOENT, EACCES:
      "\(description): \(problemOfInterpreter(code) ?? errorText(code))"
    case ENOEXEC:
      "\(description): \(errorText(code)); does it begin with a line such as #!/bin/sh?"
    case ETXTBSY:
      "\(description): it is open for writing; write another file, and rename that"
    case EAGAIN:
      "\(description): \(errorText(code)); is the limit on processes too low (TasksMax)?"
    default: "\(description): \(errorText(code))"
    }
  }

  /// The program is there, and the system means what the program has to be started by. Nil if that
  /// is not so.
  private func problemOfInterpreter(_ code: Int32) -> String? {
    guard obstacle(to: X_OK, path) == nil, let line = firstLine else { return nil }
    guard line.starts(with: "#!".utf8) else {
      return code == ENOENT
        ? "the loader that it names is not there; was it built for another system?" : nil
    }
    let words = line.dropFirst(2).split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
    guard let interpreter = words.first.map(Array.init),
      let code = obstacle(to: X_OK, interpreter)
    else { return nil }
    if line.last == UInt8(ascii: "\r") {
      return "its first line ends in a carriage return; convert it with dos2unix"
    }
    let name = printable(String(decoding: interpreter, as: UTF8.self))
    return code == ENOENT
      ? "the interpreter \(name) of its first line is not there"
      : "the interpreter \(name) of its first line: \(errorText(code))"
  }

  /// Without its newline. The system itself looks at 256 bytes.
  private var firstLine: ArraySlice<UInt8>? {
    let file = FileDescriptor(
      owning: withCString(path) { open($0, O_RDONLY | O_NONBLOCK | O_CLOEXEC) })
    var bytes = [UInt8](repeating: 0, count: 256)
    let count = read(file.raw, &bytes, bytes.count)
    return count < 0 ? nil : bytes[..<count].prefix { $0 != UInt8(ascii: "\n") }
  }
}

/// Why we may not do so with the file; nil if we may.
private func obstacle(to mode: Int32, _ file: [UInt8]) -> Int32? {
  withCString(file) { access($0, mode) } == 0 ? nil : errno
}

/// Why it is no program that we may start; nil if it is one.
private func obstacleToStart(_ file: [UInt8]) -> Int32? {
  if let code = obstacle(to: X_OK, file) { return code }
  var status = stat()
  guard withCString(file, { stat($0, &status) }) == 0 else { return errno }
  return switch status.st_mode & S_IFMT {
  case S_IFREG: nil
  case S_IFDIR: EISDIR
  default: EACCES
  }
}
