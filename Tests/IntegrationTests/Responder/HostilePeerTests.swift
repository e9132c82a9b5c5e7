internal import Glibc
internal import TestSupport
internal import Testing

/// Peers of the socket that are not a web server. Other peers are served meanwhile.
@Suite(.noHang)
struct HostilePeerTests {
  @Test func malformedRecordsCloseTheirConnectionAlone() async throws {
    try await withResponder { responder in
      // On a busy machine, the good connection may reach its own ten seconds meanwhile: then again.
      var status: Int?
      let isAnswered = try await eventually {
        let start = ContinuousClock.now
        do {
          status = try await statusAmongMalformedRecords(responder)
          return true
        } catch FastCGIClient.Failure.closed where ContinuousClock.now - start > .seconds(9) {
          return false
        }
      }
      #expect(isAnswered, "its ten seconds were over, each time")
      #expect(status == 202)
    }
  }

  /// Of a request on a connection that is open while others are sent malformed records.
  private func statusAmongMalformedRecords(_ responder: ResponderUnderTest) async throws -> Int {
    let good = try FastCGIClient(socket: responder.socket)
    try good.begin()
    for bytes in [
      Array("GET / HTTP/1.1\r\n\r\n".utf8),
      [UInt8](repeating: 0, count: 64), [UInt8](repeating: 0xFF, count: 64),
      [1, 1, 0, 1, 0, 3, 0, 0, 0, 1, 0],
    ] {
      let client = try FastCGIClient(socket: responder.socket)
      try client.send(bytes: bytes)
      client.shutDownSending()
      #expect(try await client.isClosedByPeer())
    }
    let authorizer = try FastCGIClient(socket: responder.socket)
    try authorizer.begin(role: 2)
    #expect(try await authorizer.isClosedByPeer())
    // The connection that was open all the time still works.
    try good.send(
      .parameters,
      FastCGIClient.encoded(deliveryParameters(authorization: try nowAuthorization())))
    try good.send(.parameters, [])
    try good.send(.standardInput, Array("{}".utf8))
    try good.send(.standardInput, [])
    return try good.response().status
  }

  @Test func abortedRequestLeavesNothingBehind() async throws {
    try await withResponder { responder in
      let client = try FastCGIClient(socket: responder.socket)
      try client.begin()
      try client.send(
        .parameters,
        FastCGIClient.encoded(deliveryParameters(authorization: try nowAuthorization())))
      try client.send(.parameters, [])
      try client.send(.abortRequest, [])
      _ = try? client.response()
      #expect(responder.healthStatus() == 200)
      #expect(responder.storedEvents == [])
    }
  }

  @Test func silentPeersHoldNoWorkerAndAreCutOffAfterTenSeconds() async throws {
    let settings = exampleConfiguration(settings: "workers: 1")
    try await withResponder(configuration: settings) { responder in
      let start = ContinuousClock.now
      let silent = try (0..<20).map { _ in try FastCGIClient(socket: responder.socket) }
      let response = try responder.deliver(authorization: try nowAuthorization())
      #expect(response.status == 202)
      for client in silent { #expect(try await client.isClosedByPeer()) }
      #expect(ContinuousClock.now - start > .seconds(9))
      // They have asked for nothing. A later line is there when theirs would be.
      let stalled = try responder.client()
      try stalled.begin()
      #expect(try await stalled.isClosedByPeer())
      #expect(try await responder.logs("not complete in time"))
      #expect(responder.log.matches(of: /not complete/).count == 1, "\(responder.log)")
    }
  }

  @Test(arguments: StallingStage.allCases)
  func stalledPeerIsCutOffAfterTenSeconds(stage: StallingStage) async throws {
    try await withResponder { responder in
      let start = ContinuousClock.now
      let client = try responder.client()
      try client.stall(in: stage)
      #expect(try await client.isClosedByPeer())
      #expect(ContinuousClock.now - start > .seconds(9))
      #expect(responder.storedEvents == [])
      #expect(try await responder.logs("its request was not complete in time"), "\(responder.log)")
    }
  }

  @Test(arguments: StallingStage.allCases)
  func drippingPeerIsCutOffThoughEveryByteComesInTime(stage: StallingStage) async throws {
    try await withResponder { responder in
      let client = try responder.client()
      try client.stall(in: stage)
      // This one comes later and sends nothing more: its end comes no sooner.
      let control = try responder.client()
      try control.stall(in: stage)
      let drip = {
        (client: FastCGIClient) async throws in
        try? client.send(bytes: [0x20])
        try await Task.sleep(for: .milliseconds(300))
      }
      while !control.isClosed { try await drip(client) }
      for _ in 0..<30 where !client.isClosed { try await drip(client) }
      #expect(client.isClosed)
      #expect(responder.healthStatus() == 200)
      #expect(responder.storedEvents == [])
    }
  }
}

/// The stage in which a peer stops behaving: it sends single bytes, or nothing more.
enum StallingStage: CaseIterable {
  case parameters, body
}

extension FastCGIClient {
  func stall(in stage: StallingStage) throws {
    try begin()
    guard stage == .body else {
      // The header of a long record, whose content does not come yet.
      return try send(bytes: [1, 4, 0, 1, 0xFF, 0xFF, 0, 0])
    }
    let parameters = deliveryParameters(
      authorization: try nowAuthorization(), contentLength: 60_000)
    try send(.parameters, FastCGIClient.encoded(parameters))
    try send(.parameters, [])
    try send(bytes: [1, 5, 0, 1, 0xEA, 0x60, 0, 0])
  }
}
