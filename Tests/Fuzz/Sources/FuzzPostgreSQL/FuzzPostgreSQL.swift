import Glibc
import LinuxSystem
import ServiceProcess
import Synchronization

@testable import EventForwarding

/// Whatever a server says to libpq, all of it as soon as a connection is made: connecting and
/// delivering end, and the event is taken as delivered only if the server has said COMMIT.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let answer = Array(UnsafeBufferPointer(start: data, count: count))
  // Ctrl-C is the target's, too.
  guard !site.signals.request.isMade else { exit(130) }
  site.server.answer = answer
  var deliveries: [Delivery] = []
  let target = PostgreSQLTarget(site.uri, timeLimitSeconds: 4, site.log)
  do {
    try target.open(site.signals)
    try target.deliver([site.event], site.signals) { _, delivery in
      deliveries.append(delivery)
      return true
    }
  } catch let error as TargetError {
    precondition(isOneLine(error.message))
  } catch DeliveringError.target(let error) {
    precondition(isOneLine(error.message))
  } catch {
    preconditionFailure("\(error)")
  }
  precondition(deliveries.count <= 1)
  switch deliveries.first {
  case .delivered: precondition(answer.contains("COMMIT\0"))
  case .failed(let failure): precondition(isOneLine(failure.problem))
  case nil: break
  }
  return 0
}

/// A server can put no line of its own into the log.
private func isOneLine(_ text: String) -> Bool {
  !text.unicodeScalars.contains { $0.properties.generalCategory == .control }
}

extension [UInt8] {
  fileprivate func contains(_ text: String) -> Bool {
    let wanted = Array(text.utf8)
    return indices.contains { self[$0...].starts(with: wanted) }
  }
}

nonisolated(unsafe) private let site = makeSite()

private func makeSite() -> Site {
  do {
    return try Site()
  } catch {
    preconditionFailure("\(error)")
  }
}

private struct Site {
  let server: FakeServer
  let uri: ConnectionURI
  let signals: StopSignals
  let event: OutgoingEvent
  let log = Log(environment: Environment(variables: [:]))

  struct NoSeed: Error {}

  init() throws {
    var template = Array("/tmp/fuzz-postgresql-XXXXXX".utf8).map(CChar.init(bitPattern:)) + [0]
    let folder = String(cString: mkdtemp(&template))
    server = try FakeServer(folder: folder)
    uri = try ConnectionURI(
      "postgresql:///events?host=\(folder)&user=fuzz&passfile=/dev/null&sslmode=disable")
    signals = try StopSignals()
    let seed = try contents(ofFile: "Seeds/EventFile/event", maxBytes: 1 << 16)
    let line = Array(seed.drop { $0 != 0x0A }.dropFirst())
    guard let event = OutgoingEvent(line: line, withProof: true) else { throw NoSeed() }
    self.event = event
  }
}

/// Says the same to every client, and then nothing more.
private final class FakeServer: Sendable {
  private let listener: FileDescriptor
  private let current = Mutex<[UInt8]>([])

  var answer: [UInt8] {
    get { current.withLock { $0 } }
    set { current.withLock { $0 = newValue } }
  }

  init(folder: String) throws {
    listener = try streamSocket(AF_UNIX)
    let raw = listener.raw
    guard let address = SocketAddress(unixPath: "\(folder)/.s.PGSQL.5432"),
      address.withPointer({ bind(raw, $0, $1) }) == 0, listen(raw, 16) == 0
    else { preconditionFailure("no socket to listen on") }
    try startThread { [self] in
      while true { serve(accept(listener.raw, nil, nil)) }
    }
  }

  private func serve(_ client: Int32) {
    // The socket holds all of it, so nobody waits.
    answer.withUnsafeBytes { _ = send(client, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
    shutdown(client, Int32(SHUT_WR))
    var bytes = [UInt8](repeating: 0, count: 65_536)
    while recv(client, &bytes, bytes.count, 0) > 0 {}
    close(client)
  }
}
