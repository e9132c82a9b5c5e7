internal import EventSpool
internal import WebhookCore

/// What a request that the responder has kept says of itself, in front of the sender's fields.
/// Nothing, if it is another request.
struct KeptFacts {
  let instance: String?
  let hook: Hook?
  let time: Timestamp?
  /// What is wrong with the location of the web server that it came to; nil if nothing is.
  let problem: String?

  init(of request: CapturedRequest) {
    func value(_ field: KeptField) -> String? {
      guard request.isKept else { return nil }
      return request[field.rawValue.lowercased()].first.map { String(decoding: $0, as: UTF8.self) }
    }
    instance = value(.instance)
    hook = value(.hook).flatMap(Hook.init(rawValue:))
    time = value(.time).flatMap { Timestamp(rfc3339: Array($0.utf8)) }
    problem = value(.problem)
  }
}
