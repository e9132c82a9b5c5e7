package import Glibc

/// An address of a socket, of any family (sockaddr(3type)).
package struct SocketAddress {
  private var storage = sockaddr_storage()
  private var length = socklen_t(MemoryLayout<sockaddr_storage>.size)

  /// Calls `body` with the address and its length.
  package func withPointer<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result
  {
    withUnsafePointer(to: storage) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, length) }
    }
  }

  // MARK: Made of

  /// A unix socket's; nil if the path is too long for one (unix(7)).
  package init?(unixPath path: String) {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let isCopied = withUnsafeMutableBytes(of: &address.sun_path) { buffer in
      guard path.utf8.count < buffer.count else { return false }
      buffer.copyBytes(from: path.utf8)
      return true
    }
    guard isCopied else { return nil }
    store(address)
  }

  /// An abstract unix socket's: a name outside of the file system.
  package init?(abstractName name: some Collection<UInt8>) {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let isCopied = withUnsafeMutableBytes(of: &address.sun_path) { buffer in
      guard name.count < buffer.count else { return false }
      UnsafeMutableRawBufferPointer(rebasing: buffer.dropFirst()).copyBytes(from: name)
      return true
    }
    guard isCopied else { return nil }
    store(address)
    length = socklen_t(MemoryLayout<sa_family_t>.size + 1 + name.count)
  }

  /// Nil unless `host` is a numeric address.
  package init?(host: String, port: UInt16) {
    var four = sockaddr_in()
    var six = sockaddr_in6()
    if inet_pton(AF_INET, host, &four.sin_addr) == 1 {
      four.sin_family = sa_family_t(AF_INET)
      four.sin_port = port.bigEndian
      store(four)
    } else if inet_pton(AF_INET6, host, &six.sin6_addr) == 1 {
      six.sin6_family = sa_family_t(AF_INET6)
      six.sin6_port = port.bigEndian
      store(six)
    } else {
      return nil
    }
  }

  /// The address that `descriptor` is bound to; nil if it is not a socket.
  package init?(boundBy descriptor: Int32) {
    let result = withUnsafeMutablePointer(to: &storage) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        getsockname(descriptor, $0, &length)
      }
    }
    guard result == 0 else { return nil }
  }

  private mutating func store<Address>(_ address: Address) {
    withUnsafeMutableBytes(of: &storage) { target in
      withUnsafeBytes(of: address) { target.copyMemory(from: $0) }
    }
    length = socklen_t(MemoryLayout<Address>.size)
  }

  // MARK: What it is

  package var family: Int32 { Int32(storage.ss_family) }

  /// Whether only this machine can reach it: a unix socket, or one on 127.0.0.0/8 or ::1.
  package var isLocal: Bool {
    withUnsafeBytes(of: storage) { bytes in
      switch family {
      case AF_UNIX: true
      case AF_INET:
        UInt32(bigEndian: bytes.load(as: sockaddr_in.self).sin_addr.s_addr) >> 24 == 127
      case AF_INET6:
        withUnsafeBytes(of: bytes.load(as: sockaddr_in6.self).sin6_addr) { host in
          host.last == 1 && host.dropLast().allSatisfy { $0 == 0 }
        }
      default: false
      }
    }
  }
}
