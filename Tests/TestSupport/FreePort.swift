internal import Glibc
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
  let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
  defer { close(descriptor) }
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
  var length = socklen_t(MemoryLayout<sockaddr_in>.size)
  let isBound = withUnsafeMutablePointer(to: &address) {
    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
      bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
    }
  }
  guard isBound else { throw NoPort() }
  return Int(UInt16(bigEndian: address.sin_port))
}
