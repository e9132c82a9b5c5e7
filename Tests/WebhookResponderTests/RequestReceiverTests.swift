internal import ServiceProcess
internal import TestSupport
internal import Testing
internal import WebhookCore

@testable import WebhookResponder

/// Streams of FastCGI records, good ones and others. The receiver answers or refuses them without
/// libfcgi.
struct RequestReceiverTests {
  private let folder: TemporaryFolder
  private let snapshot: Snapshot
  private static let delivery = FastCGIClient.encoded(deliveryParameters(authorization: []))

  init() throws {
    folder = try TemporaryFolder()
    try folder.makeFolder("spool")
    let settings = exampleConfiguration(settings: "max-body-bytes: 1000")
    snapshot = try Snapshot(
      configurationPath: try folder.write(settings.utf8, to: "config.yaml"))
  }

  /// What the steps are, without their contents.
  private enum Kind: Equatable {
    case request(body: Int, keeps: Bool, purpose: ReceivedRequest.Purpose)
    case answer([UInt8]), last([UInt8])
    case malformed
  }

  /// - Parameter size: of the pieces in which the bytes come.
  private func steps(_ bytes: [UInt8], piecesOf size: Int = .max) -> [Kind] {
    var receiver = RequestReceiver(maximumConnections: 40) { snapshot }
    var steps: [Kind] = []
    var rest = bytes[...]
    while !rest.isEmpty {
      var piece = rest.prefix(size)
      rest = rest.dropFirst(piece.count)
      var isWaiting = false
      while !isWaiting {
        switch receiver.next(&piece) {
        case .needsMore: isWaiting = true
        case .request(let request):
          steps.append(
            .request(
              body: request.body.count, keeps: request.keepsConnection,
              purpose: request.purpose))
        case .answer(let bytes): steps.append(.answer(bytes))
        case .last(let bytes): return steps + [.last(bytes)]
        case .malformed: return steps + [.malformed]
        }
      }
    }
    return steps
  }

  private func request(id: UInt8 = 1, body: Int = 2, keeps: Bool = false, padding: UInt8 = 0)
    -> [UInt8]
  {
    begin(id: id, keeps: keeps) + record(4, Self.delivery, id: id, padding: padding)
      + record(4, [], id: id, padding: padding)
      + record(5, [UInt8](repeating: 0x20, count: body), id: id, padding: padding)
      + record(5, [], id: id, padding: padding)
  }

  private func endRequest(_ status: UInt8, id: UInt8 = 1) -> [UInt8] {
    record(3, [0, 0, 0, 0, status, 0, 0, 0], id: id)
  }

  // MARK: Served

  @Test(arguments: [1, 2, 7, 8, 9, 100, .max])
  func requestIsTheSameInPiecesOfAnySize(size: Int) {
    for padding: UInt8 in [0, 1, 255] {
      let bytes = request(padding: padding) + request(id: 9, body: 0, keeps: true)
      #expect(
        steps(bytes, piecesOf: size) == [
          .request(body: 2, keeps: false, purpose: .delivery),
          .request(body: 0, keeps: true, purpose: .delivery),
        ])
    }
  }

  @Test func parametersMayComeInManyRecords() {
    let records = Self.delivery.map { record(4, [$0]) }.joined()
    let bytes = begin() + records + record(4, []) + record(5, [])
    #expect(steps(bytes) == [.request(body: 0, keeps: false, purpose: .delivery)])
  }

  @Test func healthCheckIsKnown() {
    let parameters = FastCGIClient.encoded([("DELVE_HOOK", Array("health".utf8))])
    let bytes = begin() + record(4, parameters) + record(4, []) + record(5, [])
    #expect(steps(bytes) == [.request(body: 0, keeps: false, purpose: .healthCheck)])
  }

  @Test func bodyOverTheLimitIsCounted() {
    #expect(
      steps(request(body: 60_000)) == [.request(body: 60_000, keeps: false, purpose: .delivery)])
  }

  // MARK: Answered

  @Test func valuesAreAnsweredAndUnknownOnesAreLeftOut() {
    let question = FastCGIClient.encoded([
      ("FCGI_MAX_CONNS", []), ("OTHER", []), ("FCGI_MPXS_CONNS", []),
    ])
    let answer = FastCGIClient.encoded([
      ("FCGI_MAX_CONNS", Array("40".utf8)), ("FCGI_MPXS_CONNS", Array("0".utf8)),
    ])
    let values = record(9, question, id: 0)
    let expected = Kind.answer(record(10, answer, id: 0))
    #expect(steps(values) == [expected])
    // Also in the middle of a request, which goes on.
    let parts = [begin(), record(4, Self.delivery), record(4, []), record(5, [])]
    for place in 0...parts.count {
      let bytes = parts[..<place].joined() + values + parts[place...].joined()
      #expect(Set(steps(Array(bytes)).map { $0 == expected }) == [true, false])
    }
  }

  @Test func managementRecordOfAnUnknownTypeIsAnsweredWithItsType() {
    #expect(
      steps(record(77, [1, 2, 3], id: 0)) == [
        .answer(record(11, [77, 0, 0, 0, 0, 0, 0, 0], id: 0))
      ])
  }

  @Test func secondRequestBesideAnUnfinishedOneIsRefusedAlone() {
    let bytes =
      begin() + begin(id: 2) + record(4, Self.delivery, id: 2) + record(4, Self.delivery)
      + record(4, []) + record(5, [], id: 2) + record(5, [])
    #expect(
      steps(bytes) == [
        .answer(endRequest(1, id: 2)), .request(body: 0, keeps: false, purpose: .delivery),
      ])
  }

  @Test func otherRoleIsAnswered() {
    #expect(steps(begin(role: 2)) == [.last(endRequest(3))])
  }

  @Test func abortedRequestEnds() {
    let abort = record(2, [])
    #expect(steps(begin() + abort) == [.last(endRequest(0))])
    #expect(
      steps(begin(keeps: true) + record(4, [1]) + abort + request()) == [
        .answer(endRequest(0)), .request(body: 2, keeps: false, purpose: .delivery),
      ])
  }

  // MARK: Refused

  @Test func whatIsNoRequestIsMalformed() {
    let name: [UInt8] = [3, 1, 0x41, 0x42, 0x43]  // the value is missing
    let longName: [UInt8] = [0xFF, 0xFF, 0xFF, 0xFF, 1, 0x41]
    for bytes in [
      record(1, [0, 1, 0, 0, 0, 0, 0, 0], version: 2), record(1, [0, 1, 0]),
      begin() + begin(), begin(id: 0), begin() + record(5, []),
      begin() + record(4, []) + record(4, []), begin() + record(8, [1]),
      begin() + record(3, [0, 0, 0, 0, 0, 0, 0, 0]), begin() + record(6, [1]), record(12, []),
      begin() + record(4, name) + record(4, []), begin() + record(4, longName) + record(4, []),
      begin() + record(4, [0x80]) + record(4, []), begin() + record(4, [3]) + record(4, []),
      record(9, [9], id: 0),
      record(9, [UInt8](repeating: 0, count: 5_000), id: 0),
      Array("GET / HTTP/1.1\r\n\r\n".utf8), [UInt8](repeating: 0xFF, count: 64),
    ] {
      #expect(steps(bytes) == [.malformed], "\(bytes.prefix(40))")
      #expect(steps(bytes, piecesOf: 1) == [.malformed], "\(bytes.prefix(40))")
    }
  }

  @Test func parametersHaveABound() {
    let part = record(4, FastCGIClient.encoded([("A", [UInt8](repeating: 0x41, count: 65_000))]))
    #expect(steps(begin() + part + part + part + part) == [.malformed])
    #expect(steps(begin() + part + part) == [])
  }
}
