import Glibc
import LinuxSystem
import ServiceProcess
import Synchronization

@testable import EventForwarding

/// Whatever a server answers to libpq: connecting and delivering end, and the event is taken as
/// delivered only if the server has said COMMIT.
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
      "postgresql:///events?host=\(folder)&user=fuzz&passfile=\(folder)/none&sslmode=disable")
    signals = try StopSignals()
    let seed = try contents(ofFile: "Seeds/EventFile/event", maxBytes: 1 << 16)
    let line = Array(seed.drop { $0 != 0x0A }.dropFirst())
    guard let event = OutgoingEvent(line: line, withProof: true) else { throw NoSeed() }
    self.event = event
  }
}

/// Answers each of a client's statements with a piece of the input, up to where it says that it is
/// ready for the next one (ReadyForQuery), and then hangs up.
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
    defer { close(client) }
    // A client that is not content with a piece asks nothing, and gets the next one.
    var patience = timeval(tv_sec: 0, tv_usec: 3_000)
    setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    var question = [UInt8](repeating: 0, count: 65_536)
    var rest = answer[...]
    while !rest.isEmpty {
      guard recv(client, &question, question.count, 0) != 0 else { return }
      let piece = rest.prefix(lengthOfPiece(of: rest))
      rest = rest.dropFirst(piece.count)
      // The socket holds all of it, so nobody waits.
      piece.withUnsafeBytes { _ = send(client, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
    }
    shutdown(client, Int32(SHUT_WR))
    var seconds = timeval(tv_sec: 60, tv_usec: 0)
    setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &seconds, socklen_t(MemoryLayout<timeval>.size))
    while recv(client, &question, question.count, 0) > 0 {}
  }

  private func lengthOfPiece(of bytes: ArraySlice<UInt8>) -> Int {
    let ready: [UInt8] = [UInt8(ascii: "Z"), 0, 0, 0, 5]
    let start = bytes.indices.first { bytes[$0...].starts(with: ready) }
    return start.map { min(bytes.count, $0 - bytes.startIndex + ready.count + 1) } ?? bytes.count
  }
}
