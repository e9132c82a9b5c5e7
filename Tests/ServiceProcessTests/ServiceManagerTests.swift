internal import Glibc
internal import LinuxSystem
internal import ServiceProcess
internal import TestSupport
internal import Testing

struct ServiceManagerTests {
  /// A manager's socket.
  private func bound(to address: SocketAddress) throws -> FileDescriptor {
    let type = Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    let manager = FileDescriptor(owning: try checked(.socket) { socket(AF_UNIX, type, 0) })
    let raw = manager.raw
    try checked(.bind) { address.withPointer { bind(raw, $0, $1) } }
    return manager
  }

  /// The datagram that has come; nil if there is none.
  private func received(_ descriptor: Int32) -> String? {
    var bytes = [UInt8](repeating: 0, count: 100)
    let count = recv(descriptor, &bytes, bytes.count, Int32(MSG_DONTWAIT))
    return count < 0 ? nil : String(decoding: bytes.prefix(count), as: UTF8.self)
  }

  private func program(toldOf name: String) -> ServiceManager {
    ServiceManager(environment: Environment(variables: ["NOTIFY_SOCKET": name]))
  }

  @Test func managerAtAPathIsTold() throws {
    let folder = try TemporaryFolder()
    let path = "\(folder.path)/notify"
    let manager = try bound(to: try #require(SocketAddress(unixPath: path)))
    program(toldOf: path).notify(.ready(status: "Serving acme"))
    #expect(received(manager.raw) == "READY=1\nSTATUS=Serving acme")
    program(toldOf: path).notify(.status("one\ntwo"))
    #expect(received(manager.raw) == "STATUS=one; two")
    program(toldOf: path).notify(.stopping)
    #expect(received(manager.raw) == "STOPPING=1")
  }

  @Test func managerOutsideOfTheFileSystemIsTold() throws {
    let name = "delve-webhook-test-\(UInt64.random(in: .min ... .max))"
    let manager = try bound(to: try #require(SocketAddress(abstractName: Array(name.utf8))))
    program(toldOf: "@\(name)").notify(.ready(status: "Serving acme"))
    #expect(received(manager.raw) == "READY=1\nSTATUS=Serving acme")
  }

  @Test func signOfLifeIsSentWhenItIsDueAndTheProgramIsAlive() throws {
    let folder = try TemporaryFolder()
    let path = "\(folder.path)/notify"
    let manager = try bound(to: try #require(SocketAddress(unixPath: path)))
    let told = ServiceManager(
      environment: Environment(variables: ["NOTIFY_SOCKET": path, "WATCHDOG_USEC": "3000000000"]))
    #expect(told.millisecondsBetweenSignsOfLife == 1_000_000)
    told.keepAlive(if: false)
    #expect(received(manager.raw) == nil)
    told.keepAlive(if: true)
    #expect(received(manager.raw) == "WATCHDOG=1")
    told.keepAlive(if: true)
    #expect(received(manager.raw) == nil)
    // Another process's limit is none of ours.
    let other = Environment(
      variables: ["NOTIFY_SOCKET": path, "WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "1"])
    #expect(ServiceManager(environment: other).millisecondsBetweenSignsOfLife == -1)
  }

  @Test(arguments: ["", "/nonexistent/notify", String(repeating: "x", count: 200)])
  func managerThatCannotBeToldIsPassedOver(name: String) {
    program(toldOf: name).notify(.ready(status: "Serving acme"))
    ServiceManager(environment: Environment(variables: [:])).notify(.ready(status: "Serving acme"))
  }
}
