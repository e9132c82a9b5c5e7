internal import ServiceProcess
internal import WebhookCore

/// A request and what became of it: what the log and the counters are told.
struct DecidedRequest {
  let outcome: Outcome
  /// Nil if the web server's configuration names none.
  let route: Route?
  let times: RequestTimes
  /// By the wall clock.
  let decidedAt: Timestamp
  /// Digits, letters of hexadecimal numbers, dots and colons; whatever else came is a question mark.
  let remoteAddress: String
  /// The name of the file that keeps the request; nil if it is not kept.
  var keptAs: String?

  var instance: InstanceName? {
    if case .delivery(let instance, _) = route { instance.name } else { nil }
  }

  /// Nobody counts or keeps a request to see the health or the numbers, refused or not.
  var isDeliveryOrUnknown: Bool {
    switch route {
    case .delivery, nil: true
    case .healthCheck, .observation: false
    }
  }

  var hook: Hook? { if case .delivery(_, let hook) = route { hook } else { nil } }
}

/// The steps of a request's way, each a moment of the monotonic clock.
struct RequestTimes {
  /// Its first byte, or the connection that it came on.
  let began: ContinuousClock.Instant
  /// It was whole, and waited for a worker.
  let complete: ContinuousClock.Instant
  /// A worker took it.
  let taken: ContinuousClock.Instant
  /// The event was accepted, and went to the spool; nil if it was refused before.
  var accepted: ContinuousClock.Instant?
  /// The answer was known.
  var ended: ContinuousClock.Instant

  init(
    began: ContinuousClock.Instant, complete: ContinuousClock.Instant,
    taken: ContinuousClock.Instant
  ) {
    (self.began, self.complete, self.taken, ended) = (began, complete, taken, taken)
  }

  // In microseconds.
  var all: Int64 { (ended - began).microseconds }
  var receiving: Int64 { (complete - began).microseconds }
  var waiting: Int64 { (taken - complete).microseconds }
  var deciding: Int64 { ((accepted ?? ended) - taken).microseconds }
  var publishing: Int64? { accepted.map { (ended - $0).microseconds } }
  /// Decision and publishing.
  var serving: Int64 { (ended - taken).microseconds }
}

/// An address is digits, hexadecimal letters, dots and colons; whatever else a peer of the socket
/// sends in its place is shown nowhere.
func printableAddress(_ address: [UInt8]) -> String {
  guard !address.isEmpty else { return "-" }
  let bytes = address.prefix(64).map { byte -> UInt8 in
    switch byte {
    case 0x30...0x3A, 0x61...0x66, 0x41...0x46, UInt8(ascii: "."): byte
    default: UInt8(ascii: "?")
    }
  }
  return String(decoding: bytes, as: UTF8.self)
}
