import Glibc
import LinuxSystem
import StrictJSON
import WebhookCore

@testable import EventForwarding
@testable import EventSpool

/// A consumer reads what any writer of the spool has left there: a name, and behind the first line
/// break what the file holds. An event whose proof holds is, in all that is signed, the one event
/// that was ever signed here. A record that is read is written and read again unchanged.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let input = UnsafeBufferPointer(start: data, count: count)
  let bytes = Array(input.prefix { $0 != 0x0A })
  let text = Array(input.dropFirst(bytes.count + 1))
  // The kernel hands out no other names.
  guard bytes.count <= 255, !bytes.contains(0) else { return 0 }
  let name = String(decoding: bytes, as: UTF8.self)
  checkName(name)
  checkEvent(text, named: name)
  checkRecord(text)
  return 0
}

private func checkName(_ name: String) {
  if let parsed = EventFileName(parsing: name) {
    let parts = [
      parsed.issuedAt, parsed.kind, parsed.status, parsed.claimID, parsed.idPrefix,
    ]
    precondition("\(parts.joined(separator: "-")).json" == name)
    precondition(parsed.idPrefix.utf8.count == 32 && !name.hasPrefix("."))
    _ = parsed.issuedSeconds
  }
  if let event = AttemptRecord.eventName(ofFile: name) {
    precondition(event.hasSuffix(".json") && !event.hasPrefix("."))
  }
  if let kept = RefusedRequestName(parsing: name, of: nil) {
    precondition(kept.fileName == name && !kept.codeWord.isEmpty)
  }
}

private func checkEvent(_ line: [UInt8], named name: String) {
  let place = EventPlace(
    fileName: name, instance: site.instance, url: "https://acme.delvesecurity.app")
  do throws(ProofError) {
    try verifyProof(of: line, at: place, by: site.keys)
    precondition(site.isSigned(line) && name == site.name)
  } catch {
    precondition(!error.sentence.isEmpty && !error.sentence.utf8.contains { $0 < 0x20 })
  }
  for withProof in [false, true] {
    guard let event = OutgoingEvent(line: line, withProof: withProof) else { continue }
    guard let sent = (try? JSONValue(parsing: event.json, levels: 129))?.object else {
      preconditionFailure("what leaves the machine is not JSON")
    }
    precondition(withProof || sent[EventAttribute.jws.rawValue] == nil)
    precondition(sent["id"] == .string(event.id))
    for parameter in insertParameters(of: [event]) { precondition(parameter.first == 0x7B) }
  }
}

private func checkRecord(_ line: [UInt8]) {
  guard let record = AttemptRecord(line: line) else { return }
  precondition(record.attempts >= 0 && record.deferrals >= 0)
  precondition(AttemptRecord(line: record.line) == record)
  for seconds in [0, 1_790_000_000, Int64.max] {
    _ = record.isDue(Timestamp(seconds: seconds))
    _ = record.notice?.isDue(Timestamp(seconds: seconds))
  }
  _ = record.how
}

private let site = makeSite()

private func makeSite() -> Site {
  do {
    return try Site()
  } catch {
    preconditionFailure("\(error)")
  }
}

/// The one event that was signed.
private struct Site {
  let keys: [VerificationKey]
  let instance: InstanceName
  let name: String
  private let event: StoredEvent

  struct NoSeed: Error {}

  init() throws {
    keys = try KeyFile(parsing: contents(ofFile: "../Attacks/keys/p521.pem", maxBytes: 1 << 16))
      .keys
    let seed = try contents(ofFile: "Seeds/EventFile/event", maxBytes: 1 << 16)
    let line = Array(seed.drop { $0 != 0x0A }.dropFirst())
    guard let instance = InstanceName("acme"), let event = StoredEvent(line: line) else {
      throw NoSeed()
    }
    self.instance = instance
    self.event = event
    name = String(decoding: seed.prefix { $0 != 0x0A }, as: UTF8.self)
    try verifyProof(
      of: line,
      at: EventPlace(fileName: name, instance: instance, url: "https://acme.delvesecurity.app"),
      by: keys)
  }

  /// Whether a line holds the event, but for what nobody signed.
  func isSigned(_ line: [UInt8]) -> Bool {
    guard let other = StoredEvent(line: line) else { return false }
    let signed: [EventAttribute] = [
      .id, .source, .type, .subject, .time, .data, .instance, .eventkey, .keyid,
    ]
    return signed.allSatisfy { other.attributes[$0.rawValue] == event.attributes[$0.rawValue] }
  }
}
