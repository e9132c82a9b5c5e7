internal import Foundation
package import Glibc
internal import LinuxSystem
internal import Synchronization

/// A program that runs until a test ends it, for tests in which several programs overlap, or a
/// program gets a listening socket. When this object is released, a signal ends the program if it
/// still runs.
package final class SpawnedProcess: Sendable {
  package struct CannotSpawn: Error { let code: Int32 }

  package let id: pid_t
  private let endingSignal: Int32
  private let hasEnded = Atomic(false)

  /// - Parameters:
  ///   - listener: becomes descriptor 3, as systemd hands a socket over (sd_listen_fds(3)).
  ///   - log: the file that standard output and error are appended to.
  ///   - endingSignal: what ends it when this object is released.
  package init(
    _ program: String, _ arguments: [String], listener: Int32? = nil, log: String,
    endingSignal: Int32 = SIGKILL
  ) throws {
    self.endingSignal = endingSignal
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0o644)
    posix_spawn_file_actions_adddup2(&actions, 1, 2)
    if let listener { posix_spawn_file_actions_adddup2(&actions, listener, 3) }
    // What other tests have open, a lock above all, is none of the program's.
    let open = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")
    let last = open.compactMap(Int32.init).max() ?? 0
    // Some more: other threads open files meanwhile. One that is not open is passed over.
    for descriptor in (listener == nil ? 3 : 4)..<last + 16 {
      posix_spawn_file_actions_addclose(&actions, descriptor)
    }
    // The shell knows the id of the process that it becomes.
    let script =
      listener == nil
      ? #"exec "$@""# : #"LISTEN_FDS=1 LISTEN_PID=$$; export LISTEN_FDS LISTEN_PID; exec "$@""#
    let variables = ["PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin"]
    var words = cStrings(["sh", "-c", script, "sh", program] + arguments)
    var environment = cStrings(variables)
    defer { for word in words + environment { free(word) } }
    // The threads that run tests block signals, and a child would inherit this.
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
    var id = pid_t()
    let code = posix_spawn(&id, "/bin/sh", &actions, &attributes, &words, &environment)
    guard code == 0 else { throw CannotSpawn(code: code) }
    self.id = id
  }

  deinit {
    // After a wait, the id may belong to another process.
    guard !hasEnded.load(ordering: .acquiring) else { return }
    kill(id, endingSignal)
    // Somebody has to wait for it: the test runner asks for whichever child has ended, and would be
    // told of this one again and again, and never of its own (waitid(2), WNOWAIT).
    Thread.detachNewThread { [id] in waitpid(id, nil, 0) }
  }

  package var running: RunningProcess { RunningProcess(id: id) }

  package func send(signal: Int32) { kill(id, signal) }

  /// Waits for the program's end.
  /// - Returns: the exit code, minus the signal if one ended it; nil if it never ends.
  package func exitCode() async throws -> Int32? {
    var status: Int32 = 0
    let id = id
    guard try await eventually({ waitpid(id, &status, WNOHANG) == id }) else { return nil }
    hasEnded.store(true, ordering: .releasing)
    let signal = status & 0x7F
    return signal == 0 ? status >> 8 & 0xFF : -signal
  }
}

/// Returns C strings that the caller has to free. The last one is nil.
private func cStrings(_ texts: [String]) -> [UnsafeMutablePointer<CChar>?] {
  texts.map { strdup($0) } + [nil]
}

/// A unix socket that listens and is held open, as systemd holds the socket of a socket unit.
package final class HeldSocket: Sendable {
  private let file: FileDescriptor
  package var descriptor: Int32 { file.raw }

  package init(path: String) throws {
    file = try streamSocket(AF_UNIX)
    let raw = file.raw
    guard let address = SocketAddress(unixPath: path),
      address.withPointer({ bind(raw, $0, $1) }) == 0, listen(raw, 4_096) == 0
    else { throw SpawnedProcess.CannotSpawn(code: errno) }
  }
}
