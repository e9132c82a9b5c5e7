internal import Glibc
internal import LinuxSystem
internal import ServiceProcess
internal import TestSupport
internal import Testing
internal import WebhookCore
@testable internal import WebhookResponder

/// The bounds on connections, and on what all of them hold.
struct ConnectionsTests {
  /// A connection of the responder, and the web server's end of it.
  private final class Pair {
    let connection: Connection
    let peer: FileDescriptor

    init(_ number: Int) throws {
      var ends: [Int32] = [-1, -1]
      try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
      _ = fcntl(ends[0], F_SETFL, O_NONBLOCK)
      connection = Connection(
        FileDescriptor(owning: ends[0]), id: Connections.firstConnectionID + UInt64(number))
      peer = FileDescriptor(owning: ends[1])
    }

    func send(_ bytes: [UInt8]) throws { try writeAll(bytes, to: peer.raw) }

    /// Whether the responder has ended it.
    var isCutOff: Bool {
      var byte: UInt8 = 0
      return recv(peer.raw, &byte, 1, Int32(MSG_DONTWAIT)) == 0
    }
  }

  private static let afterItsTime = timePerRequest + .seconds(1)

  // MARK: Time

  /// A worker may wait for a disk that hangs; the web server does not wait with it.
  @Test func connectionThatAWorkerHasIsCutOffWhenItsTimeIsOver() throws {
    let connections = try Connections(maximum: 8)
    let pair = try Pair(0)
    let start = ContinuousClock.now
    #expect(connections.startRequest(on: pair.connection))
    _ = connections.startWaiting(pair.connection)
    #expect(connections.startServing(pair.connection))
    #expect(connections.cutOffExpired(now: start) == [] && !pair.isCutOff)
    let later = ContinuousClock.now + Self.afterItsTime
    #expect(connections.cutOffExpired(now: later) == [])
    #expect(pair.isCutOff)
    #expect(connections.countWaitingAndOverdue(now: later) == (0, 1))
  }

  @Test func connectionThatNoWorkerHasIsClosedWhenItsTimeIsOver() throws {
    let connections = try Connections(maximum: 8)
    let (receiving, waiting) = (try Pair(0), try Pair(1))
    let start = ContinuousClock.now
    for connection in [receiving.connection, waiting.connection] {
      #expect(connections.startRequest(on: connection))
    }
    _ = connections.startWaiting(waiting.connection)
    #expect(connections.cutOffExpired(now: start) == [])
    let closed = connections.cutOffExpired(now: .now + Self.afterItsTime)
    #expect(Set(closed) == [receiving.connection.id, waiting.connection.id])
    #expect(!connections.startServing(waiting.connection))
  }

  // MARK: Number

  /// Those without a request leave places for those with one.
  @Test func connectionIsNotKeptIfHalfOfThePlacesAreTaken() throws {
    let connections = try Connections(maximum: 8)
    for number in 0..<4 {
      let pair = try Pair(number)
      #expect(connections.startRequest(on: pair.connection))
      _ = connections.startWaiting(pair.connection)
      _ = connections.startServing(pair.connection)
      #expect(connections.startAnswer(on: pair.connection) == (number < 3))
    }
  }

  // MARK: Memory

  private static let mebibyte = 1 << 20

  private func snapshot() throws -> Snapshot {
    let folder = try TemporaryFolder()
    try folder.makeFolder("spool")
    // Bodies are held only to be compared.
    let settings = exampleConfiguration(
      settings: "body: match\nmax-body-bytes: \(8 * Self.mebibyte)")
    return try Snapshot(configurationPath: try folder.write(settings.utf8, to: "config.yaml"))
  }

  private func withReception(_ body: (inout Reception) throws -> Void) throws {
    let snapshot = try snapshot()
    var reception = Reception(
      maximumConnections: 1_000, counters: Counters(startedAt: Timestamp(seconds: 0))
    ) { snapshot }
    try body(&reception)
  }

  /// Sends this much of a body whose end never comes.
  private func stall(
    _ pair: Pair, bytes: Int, _ reception: inout Reception
  ) throws {
    let parameters = deliveryParameters(authorization: [], contentLength: 2 * bytes)
    try pair.send(
      begin() + record(4, FastCGIClient.encoded(parameters)) + record(4, []))
    let piece = record(5, [UInt8](repeating: 0x20, count: 32 << 10))
    for _ in 0..<bytes / (32 << 10) {
      try pair.send(piece)
      // Each reads 32 KiB at most, and a piece has some bytes more.
      for _ in 0..<2 {
        guard case .waiting = reception.receive(from: pair.connection) else {
          Issue.record("it is taken for whole")
          return
        }
      }
    }
  }

  @Test func whatClosedConnectionsHeldDoesNotCount() throws {
    try withReception { reception in
      for number in 0..<100 {
        let pair = try Pair(number)
        try stall(pair, bytes: Self.mebibyte, &reception)
        reception.forget(pair.connection.id)
      }
      let last = try Pair(100)
      try stall(last, bytes: Self.mebibyte, &reception)
      #expect(reception.greediest == nil)
    }
  }

  /// 64 MiB are for all together; the one that holds the most pays for the others.
  @Test func connectionThatHoldsTheMostIsClosedWhenAllHoldTooMuch() throws {
    try withReception { reception in
      var pairs: [Pair] = []
      var greedy: UInt64 = 0
      for number in 0..<70 {
        let pair = try Pair(number)
        if number == 30 { greedy = pair.connection.id }
        try stall(pair, bytes: Self.mebibyte * (number == 30 ? 3 : 1), &reception)
        if number < 60 { #expect(reception.greediest == nil) }
        pairs.append(pair)
      }
      #expect(reception.greediest == greedy)
      var closed = 0
      while let greediest = reception.greediest {
        reception.forget(greediest)
        closed += 1
      }
      #expect((4...12).contains(closed), "\(closed)")
      withExtendedLifetime(pairs) {}
    }
  }

  // MARK: What waits for a worker

  private func job(_ number: Int, bytes: Int, until deadline: ContinuousClock.Instant) throws -> Job
  {
    let snapshot = try snapshot()
    var body = ReceivedBody(under: snapshot.settings)
    body.append([UInt8](repeating: 0x20, count: bytes))
    let request = ReceivedRequest(
      records: [], body: body, snapshot: snapshot, keepsConnection: false, purpose: .delivery)
    return Job(
      connection: try Pair(number).connection, request: request, completeAt: .now,
      deadline: deadline, hasMore: false)
  }

  /// 64 MiB are for all together, and what a worker has taken is not among it.
  @Test func whatWaitsForAWorkerIsBounded() throws {
    let queue = JobQueue()
    let later = ContinuousClock.now + .seconds(1_000)
    let results = try (0..<10).map {
      queue.append(try job($0, bytes: 8 * Self.mebibyte - 2_048, until: later))
    }
    #expect(results == [JobQueue.Appended](repeating: .waits, count: 8) + [.hasNoRoom, .hasNoRoom])
    _ = queue.next()
    let further = try job(10, bytes: 8 * Self.mebibyte - 2_048, until: later)
    #expect(queue.append(further) == .waits)
    #expect(queue.append(further) == .hasNoRoom)
    #expect(queue.dropExpired(now: later) == 8)
    #expect(queue.append(further) == .waits)
  }

  /// The time of a request begins with its first byte, and it waits from its last one on.
  @Test func jobThatIsOverBeforeAnEarlierOneIsDropped() throws {
    let queue = JobQueue()
    let now = ContinuousClock.now
    for (number, seconds) in [100, 10, 200, 20].enumerated() {
      _ = queue.append(try job(number, bytes: 1, until: now + .seconds(seconds)))
    }
    #expect(queue.dropExpired(now: now) == 0)
    #expect(queue.dropExpired(now: now + .seconds(50)) == 2)
    #expect(queue.next().deadline == now + .seconds(100))
    #expect(queue.next().deadline == now + .seconds(200))
    #expect(queue.dropExpired(now: now + .seconds(1_000)) == 0)
  }
}
