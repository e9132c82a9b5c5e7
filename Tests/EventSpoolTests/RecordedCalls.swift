internal import EventSpool
internal import Glibc
internal import LinuxSystem
internal import Synchronization

/// One of the calls that were written down.
struct RecordedCall: Hashable, Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
  /// The call, and what on, by the last part of its name.
  let name: String
  /// Its number among those of this name, from 1.
  var occurrence = 1

  init(_ name: String, occurrence: Int = 1) {
    (self.name, self.occurrence) = (name, occurrence)
  }

  init(stringLiteral name: String) { self.init(name) }

  /// The one after it of the same name.
  var next: RecordedCall { RecordedCall(name, occurrence: occurrence + 1) }

  var description: String { occurrence == 1 ? name : "\(name), number \(occurrence)" }
}

/// System calls that are written down, and of which one can fail on purpose.
final class RecordedCalls: Sendable {
  private struct State {
    var calls: [RecordedCall] = []
    var names: [Int32: String] = [:]
    var failing: (call: RecordedCall, errno: Int32)?
  }

  private let state = Mutex(State())

  /// The calls since `reset`, each with its number among those of its name.
  var numberedCalls: [RecordedCall] { state.withLock { $0.calls } }

  /// The same by their names.
  var calls: [String] { numberedCalls.map(\.name) }

  /// Forgets what was called. From now on `call` fails, once, with the error `code`.
  func reset(failing call: RecordedCall? = nil, with code: Int32 = EIO) {
    state.withLock { state in
      state.calls = []
      state.failing = call.map { ($0, code) }
    }
  }

  /// Writes the call down.
  /// - Returns: whether it is to fail; `errno` is then set.
  private func isFailing(_ name: String) -> Bool {
    let code = state.withLock { state -> Int32? in
      let call = RecordedCall(
        name, occurrence: state.calls.count { $0.name == name } + 1)
      state.calls.append(call)
      return state.failing.flatMap { $0.call == call ? $0.errno : nil }
    }
    guard let code else { return false }
    errno = code
    return true
  }

  private func name(_ descriptor: Int32) -> String {
    state.withLock { $0.names[descriptor] ?? "?" }
  }

  /// The real calls, each of which is recorded first. The file system says that it is btrfs if
  /// `isOnBtrfs`.
  func systemCalls(isOnBtrfs: Bool) -> SystemCalls {
    let real = SystemCalls()
    var calls = SystemCalls()
    calls.isOnBtrfs = { _ in isOnBtrfs ? 1 : 0 }
    calls.openat = { [self] directory, name, flags, mode in
      if isFailing("open \(name == "." ? "unnamed" : name)") { return -1 }
      let descriptor = real.openat(directory, name, flags, mode)
      let last = name.split(separator: "/").last.map(String.init) ?? name
      state.withLock { $0.names[descriptor] = last == "." ? "unnamed" : last }
      return descriptor
    }
    calls.write = { [self] in isFailing("write \(name($0))") ? -1 : real.write($0, $1, $2) }
    calls.fsync = { [self] in isFailing("fsync \(name($0))") ? -1 : real.fsync($0) }
    calls.linkOpenFile = { [self] file, directory, name in
      isFailing("link \(self.name(directory))") ? -1 : real.linkOpenFile(file, directory, name)
    }
    calls.unlinkat = { [self] in isFailing("unlink \(name($0))") ? -1 : real.unlinkat($0, $1, $2) }
    calls.renameNew = { [self] from, name, to, target in
      isFailing("move \(self.name(from)) \(self.name(to))")
        ? -1 : real.renameNew(from, name, to, target)
    }
    calls.renameat = { [self] from, name, to, target in
      isFailing("rename \(self.name(to))") ? -1 : real.renameat(from, name, to, target)
    }
    calls.mkdirat = { [self] in isFailing("mkdir \($1)") ? -1 : real.mkdirat($0, $1, $2) }
    calls.faccessat = { [self] in
      isFailing("access \(name($0))") ? -1 : real.faccessat($0, $1, $2, $3)
    }
    calls.fstatvfs = { [self] in isFailing("statvfs") ? -1 : real.fstatvfs($0, $1) }
    calls.lockByte = { [self] in isFailing("lock") ? -1 : real.lockByte($0, $1) }
    calls.unlockByte = { [self] in isFailing("unlock") ? -1 : real.unlockByte($0, $1) }
    return calls
  }
}
