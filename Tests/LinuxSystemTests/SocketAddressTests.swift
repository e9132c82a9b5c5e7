internal import Glibc
internal import LinuxSystem
internal import TestSupport
internal import Testing

struct SocketAddressTests {
  // MARK: Who can reach it

  @Test(arguments: [
    ("127.0.0.1", true), ("127.255.255.254", true), ("126.255.255.255", false),
    ("128.0.0.1", false), ("0.0.0.0", false), ("10.0.0.1", false), ("192.0.2.1", false),
    ("::1", true), ("::", false), ("::2", false), ("fe80::1", false), ("2001:db8::1", false),
    ("::ffff:192.0.2.1", false), ("0:0:0:0:0:0:0:1", true),
  ])
  func onlyTheLoopbackAddressesAreLocal(host: String, isLocal: Bool) throws {
    #expect(try #require(SocketAddress(host: host, port: 80)).isLocal == isLocal)
  }

  @Test func unixSocketIsLocal() throws {
    #expect(try #require(SocketAddress(unixPath: "/run/s")).isLocal)
    #expect(try #require(SocketAddress(abstractName: Array("s".utf8))).isLocal)
  }

  // MARK: Made of

  @Test(arguments: [("127.0.0.1", AF_INET), ("::1", AF_INET6)])
  func numericAddressIsTaken(host: String, family: Int32) throws {
    #expect(try #require(SocketAddress(host: host, port: 65_535)).family == family)
  }

  @Test(arguments: ["", "localhost", "127.1", "127.0.0.1:80", "[::1]", "127.0.0.256", "*"])
  func otherHostIsNot(host: String) {
    #expect(SocketAddress(host: host, port: 80) == nil)
  }

  @Test func unixPathMayHave107Bytes() {
    #expect(SocketAddress(unixPath: String(repeating: "x", count: 107)) != nil)
    #expect(SocketAddress(unixPath: String(repeating: "x", count: 108)) == nil)
  }

  @Test func abstractNameMayHave107Bytes() {
    #expect(SocketAddress(abstractName: [UInt8](repeating: 0x78, count: 107)) != nil)
    #expect(SocketAddress(abstractName: [UInt8](repeating: 0x78, count: 108)) == nil)
  }

  /// With a greater length, zero bytes would be part of the name (unix(7)).
  @Test func abstractNameIsAsLongAsItIs() throws {
    let address = try #require(SocketAddress(abstractName: Array("name".utf8)))
    #expect(address.withPointer { _, length in length } == 2 + 1 + 4)
  }

  // MARK: In use

  private func bind(_ descriptor: Int32, to address: SocketAddress) -> Int32 {
    address.withPointer { Glibc.bind(descriptor, $0, $1) }
  }

  @Test func addressOfABoundSocketIsTold() throws {
    let socket = try streamSocket(AF_INET)
    #expect(bind(socket.raw, to: try #require(SocketAddress(host: "127.0.0.1", port: 0))) == 0)
    let address = try #require(SocketAddress(boundBy: socket.raw))
    #expect(address.family == AF_INET)
    #expect(address.isLocal)
  }

  @Test func fileHasNoAddress() throws {
    let file = FileDescriptor(owning: open("/dev/null", O_RDONLY | O_CLOEXEC))
    #expect(SocketAddress(boundBy: file.raw) == nil)
  }

  @Test func socketIsInheritedByNoChild() throws {
    let socket = try streamSocket(AF_UNIX)
    #expect(fcntl(socket.raw, F_GETFD) & FD_CLOEXEC != 0)
  }

  @Test func waitingConnectionIsAcceptedAndAMissingOneIsNot() throws {
    let folder = try TemporaryFolder()
    let address = try #require(SocketAddress(unixPath: "\(folder.path)/s"))
    let listener = try streamSocket(AF_UNIX)
    #expect(bind(listener.raw, to: address) == 0)
    #expect(listen(listener.raw, 1) == 0)
    makeNonBlocking(listener.raw)
    #expect(try !isAccepted(at: listener.raw))
    let client = try streamSocket(AF_UNIX)
    #expect(address.withPointer { connect(client.raw, $0, $1) } == 0)
    #expect(try isAccepted(at: listener.raw))
    #expect(try !isAccepted(at: listener.raw))
  }

  private func isAccepted(at listener: Int32) throws -> Bool {
    guard let connection = try acceptConnection(at: listener) else { return false }
    return fcntl(connection.raw, F_GETFD) & FD_CLOEXEC != 0
  }

  @Test func socketThatDoesNotListenAcceptsNone() throws {
    let socket = try streamSocket(AF_UNIX)
    let raw = socket.raw
    #expect(throws: SystemError(.accept, errno: EINVAL)) { _ = try acceptConnection(at: raw) }
  }
}
