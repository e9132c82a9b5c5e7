internal import Glibc
internal import LinuxSystem
internal import Synchronization

package struct NoPort: Error {}

private let handedOut = Mutex<Set<Int>>([])

/// Returns a TCP port of the loopback address that no process listens on now. No other test gets
/// the same port, because a test may begin to listen much later. No client gets it from the kernel
/// meanwhile either: it lies below the ports that are handed out to them (ip(7),
/// `ip_local_port_range`).
package func freePort() throws -> Int {
  for _ in 0..<1_000 {
    let port = Int.random(in: 16_384..<32_768)
    if isUnused(port), handedOut.withLock({ $0.insert(port).inserted }) { return port }
  }
  throw NoPort()
}

private func isUnused(_ port: Int) -> Bool {
  guard let socket = try? streamSocket(AF_INET),
    let address = SocketAddress(host: "127.0.0.1", port: UInt16(port))
  else { return false }
  let raw = socket.raw
  return address.withPointer { bind(raw, $0, $1) } == 0
}
