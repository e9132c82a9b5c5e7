internal import Glibc
internal import LinuxSystem

struct NoDescriptor: Error {}

/// Two sockets that are connected. No child process keeps them, so that the end of one shows at the
/// other.
struct SocketPair: ~Copyable {
  let one: FileDescriptor
  let other: FileDescriptor

  init() throws {
    var ends: [Int32] = [-1, -1]
    let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    guard socketpair(AF_UNIX, type, 0, &ends) == 0 else { throw NoDescriptor() }
    one = FileDescriptor(owning: ends[0])
    other = FileDescriptor(owning: ends[1])
  }
}

/// Whether the peer has ended. Waits until it has, or has sent something.
func isAtEnd(_ descriptor: Int32) -> Bool {
  var byte: UInt8 = 0
  return recv(descriptor, &byte, 1, 0) == 0
}
