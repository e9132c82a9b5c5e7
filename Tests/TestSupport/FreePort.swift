internal import Glibc
internal import LinuxSystem
internal import Synchronization

package struct NoPort: Error {}

private let handedOut = Mutex<Set<Int>>([])

/// Returns a TCP port of the loopback address that no process listens on now. No other test gets
/// the same port, because a test may begin to listen much later.
package func freePort() throws -> Int {
  for _ in 0..<1_000 {
    let port = try unusedPort()
    if handedOut.withLock({ $0.insert(port).inserted }) { return port }
  }
  throw NoPort()
}

private func unusedPort() throws -> Int {
  let socket = try streamSocket(AF_INET)
  let raw = socket.raw
  guard let any = SocketAddress(host: "127.0.0.1", port: 0),
    any.withPointer({ bind(raw, $0, $1) }) == 0, let bound = SocketAddress(boundBy: raw)
  else { throw NoPort() }
  return bound.withPointer { address, _ in
    Int(UInt16(bigEndian: UnsafeRawPointer(address).load(as: sockaddr_in.self).sin_port))
  }
}
