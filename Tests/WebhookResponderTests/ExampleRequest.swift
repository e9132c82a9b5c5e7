internal import Glibc
internal import TestSupport
internal import WebhookCore
@testable internal import WebhookResponder

/// Parameters as libfcgi hands them over.
func requestParameters(_ list: [(name: String, value: [UInt8])]) -> RequestParameters {
  var entries = list.map { name, value in
    strdup((Array("\(name)=".utf8) + value + [0]).map(CChar.init(bitPattern:)))
  }
  defer { for entry in entries { free(entry) } }
  entries.append(nil)
  return entries.withUnsafeMutableBufferPointer { RequestParameters(entries: $0.baseAddress) }
}

/// A FastCGI record.
func record(
  _ type: UInt8, _ content: [UInt8], id: UInt8 = 1, padding: UInt8 = 0, version: UInt8 = 1
) -> [UInt8] {
  [version, type, 0, id, UInt8(content.count >> 8), UInt8(content.count & 0xFF), padding, 0]
    + content + [UInt8](repeating: 0xAA, count: Int(padding))
}

/// The record that begins a request.
func begin(id: UInt8 = 1, role: UInt8 = 1, keeps: Bool = false) -> [UInt8] {
  record(1, [0, role, keeps ? 1 : 0, 0, 0, 0, 0, 0], id: id)
}

/// A delivery to `acme` that was decided. `milliseconds` are since 1970.
func decidedRequest(
  _ outcome: Outcome, to name: String? = "acme", hook: Hook? = nil,
  at milliseconds: Int64 = 1_790_000_000_000, microseconds: Int64 = 700,
  from address: String = "192.0.2.7"
) throws -> DecidedRequest {
  let example = try exampleInstance()
  let instance = try name.map {
    Instance(name: try required(InstanceName($0)), url: example.url, keys: example.keys)
  }
  let began = ContinuousClock.now
  var times = RequestTimes(
    began: began, complete: began + .microseconds(100), taken: began + .microseconds(200))
  times.ended = began + .microseconds(microseconds)
  return DecidedRequest(
    outcome: outcome, route: instance.map { .delivery($0, hook) }, times: times,
    decidedAt: Timestamp(
      seconds: milliseconds / 1_000, milliseconds: Int(milliseconds % 1_000)),
    remoteAddress: address, keptAs: nil)
}

/// The sum of what each worker has counted.
func counts(_ tallies: [Tally]) -> Counts {
  tallies.reduce(into: Counts()) { $0.add($1.value) }
}

/// What a worker that decided these has counted.
func tally(_ requests: [DecidedRequest]) -> Tally {
  let tally = Tally()
  for request in requests { tally.add(request, sentBytes: 10) }
  return tally
}

struct Missing: Error {}

func required<Value>(_ value: Value?) throws -> Value {
  guard let value else { throw Missing() }
  return value
}
