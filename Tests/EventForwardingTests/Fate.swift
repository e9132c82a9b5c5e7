@testable internal import EventForwarding
internal import EventSpool

/// A `Delivery` that can be compared.
enum Fate: Equatable {
  case delivered
  case putOff(AttemptRecord.Ending, text: String, afterSeconds: Int64)
  case refused(AttemptRecord.Ending, text: String)

  init(_ delivery: Delivery) {
    switch delivery {
    case .delivered: self = .delivered
    case .putOff(let ending, let text, let seconds):
      self = .putOff(ending, text: text, afterSeconds: seconds)
    case .refused(let ending, let text): self = .refused(ending, text: text)
    }
  }
}
