internal import Glibc
internal import ServiceProcess
internal import WebhookConfiguration

/// Reads configuration and keys again, on a thread of its own: when SIGHUP asks for it, and keys
/// when their files change, however that is done.
///
/// Only this thread replaces the responder's snapshot.
struct ReloadThread {
  private let responder: Responder
  /// The key files as they were read last.
  private var loaded: KeyFileVersions
  /// As they were at the last look.
  private var seen: KeyFileVersions

  static func start(_ responder: Responder) throws(StartupError) {
    let isStarted = startThread {
      var thread = ReloadThread(responder)
      while true {
        sleep(1)
        thread.step()
      }
    }
    guard isStarted else {
      throw StartupError(message: "no thread could be started", exitCode: EX_OSERR)
    }
  }

  private init(_ responder: Responder) {
    self.responder = responder
    loaded = responder.snapshot.configuration.keyFileVersions
    seen = loaded
  }

  private mutating func step() {
    if responder.takeReloadRequest(), responder.reload() {
      loaded = responder.snapshot.configuration.keyFileVersions
    }
    let now = KeyFileVersions(of: responder.snapshot.configuration.settings)
    // Equal at two looks: whoever writes the file in place has come to its end.
    if now != loaded && now == seen {
      loaded = now
      responder.reloadKeys()
    }
    seen = now
  }
}
