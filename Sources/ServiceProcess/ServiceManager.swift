internal import Glibc
package import LinuxSystem

/// Tells the service manager how far the program is, as sd_notify(3) describes it: one datagram to
/// the unix socket that `NOTIFY_SOCKET` names. If nobody asks for it, nothing is sent.
package struct ServiceManager: Sendable {
  package enum State: String {
    case ready = "READY=1"
    case stopping = "STOPPING=1"
  }

  private let address: SocketAddress?

  package init(environment: Environment) {
    guard let name = environment["NOTIFY_SOCKET"] else {
      address = nil
      return
    }
    address =
      name.hasPrefix("@")
      ? SocketAddress(abstractName: name.utf8.dropFirst()) : SocketAddress(unixPath: name)
  }

  /// Best effort: a manager that cannot be told notices by itself what is missing.
  package func notify(_ state: State) {
    guard let address else { return }
    let descriptor = socket(
      AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    let message = Array(state.rawValue.utf8)
    _ = address.withPointer {
      sendto(descriptor, message, message.count, Int32(MSG_NOSIGNAL), $0, $1)
    }
  }
}
