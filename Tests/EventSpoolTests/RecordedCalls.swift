internal import EventSpool
internal import Glibc
internal import LinuxSystem
internal import Synchronization

/// Records system calls, and lets one of them fail on purpose.
final class RecordedCalls: Sendable {
  private struct State {
    var calls: [String] = []
    var names: [Int32: String] = [:]
    var failing: (index: Int, errno: Int32)?
  }

  private let state = Mutex(State())

  /// The calls since `reset`: each call with the last part of its file's name.
  var calls: [String] { state.withLock { $0.calls } }

  func reset(failing: (index: Int, errno: Int32)? = nil) {
    state.withLock {
      $0.calls = []
      $0.failing = failing
    }
  }

  /// Records the call.
  /// - Returns: whether the call has to fail; `errno` is then set.
  private func isFailing(_ call: String) -> Bool {
    let code = state.withLock { state -> Int32? in
      defer { state.calls.append(call) }
      return state.failing.flatMap { $0.index == state.calls.count ? $0.errno : nil }
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
