internal import EventSpool
internal import ServiceProcess

/// Where events are handed on to. For one thread.
protocol EventTarget: AnyObject {
  /// For messages: without anything that may be secret.
  var name: String { get }
  /// How many events it takes at a time.
  var batchSize: Int { get }
  /// How many of them may be on their way at the same time.
  var concurrency: Int { get }

  /// Makes sure that events can be handed on, as far as that can be told without one.
  func open(_ signals: StopSignals) throws(TargetError)

  /// Hands events on.
  /// - Parameter settle: called once for each event whose fate is known, as soon as it is, with its
  ///   place in `events`. Returns whether further ones are to be tried: if not, what is not settled
  ///   stays where it is. An error that it throws ends the delivery.
  /// - Throws: `TargetError`, if the target takes no further ones just now.
  func deliver(
    _ events: [OutgoingEvent], _ signals: StopSignals,
    settle: (Int, Delivery) throws(SpoolError) -> Bool
  ) throws(DeliveringError)
}

/// A target that needs a place of its own for events.
protocol PreparableTarget: EventTarget {
  /// Makes the place, or what it lacks.
  /// - Returns: what is ready, and where.
  func prepare(_ signals: StopSignals) throws(TargetError) -> String
}

/// What has become of an event at its target.
enum Delivery: Equatable {
  /// The target has promised to keep it.
  case delivered
  case failed(Failure)

  /// Whose failure it is, the event's or the target's, shows in whether the target takes others.
  struct Failure: Equatable {
    let ending: AttemptRecord.Ending
    /// The beginning of the answer.
    let text: String
    /// Whether it was refused for what it is.
    let isRefusal: Bool
    /// Not before so many seconds have passed, if the target said so.
    let afterSeconds: Int64
    /// What it says of the target, if it takes no others either.
    let problem: String
  }

  /// Another time, if it is the event's failure.
  /// - Parameter problem: what it says of the target; by default what happened.
  static func putOff(
    _ ending: AttemptRecord.Ending, text: String, afterSeconds: Int64, problem: String? = nil
  ) -> Delivery {
    .failed(
      Failure(
        ending: ending, text: text, isRefusal: false, afterSeconds: afterSeconds,
        problem: problem ?? sentence(ending, text)))
  }

  /// Never, if it is the event's failure.
  /// - Parameter problem: as above.
  static func refused(
    _ ending: AttemptRecord.Ending, text: String, problem: String? = nil
  ) -> Delivery {
    .failed(
      Failure(
        ending: ending, text: text, isRefusal: true, afterSeconds: 0,
        problem: problem ?? sentence(ending, text)))
  }

  private static func sentence(_ ending: AttemptRecord.Ending, _ text: String) -> String {
    let (name, value) = ending.field
    let said = oneLine(String(text.prefix(200)))
    return "\(name) \(value)" + (said.isEmpty ? "" : ": \(said)")
  }
}

/// Why a target takes no events at all. An event that was not settled may still have arrived;
/// handing it on again does no harm.
struct TargetError: Error {
  enum Kind: Equatable {
    /// For now. `afterSeconds`: not before, if the target said so.
    case unavailable(afterSeconds: Int64)
    /// Until somebody changes something.
    case misconfigured
    /// We were asked to end what was in hand.
    case interrupted
  }

  let kind: Kind
  let message: String

  static func unavailable(_ message: String, afterSeconds: Int64 = 0) -> TargetError {
    TargetError(kind: .unavailable(afterSeconds: afterSeconds), message: message)
  }

  static func misconfigured(_ message: String) -> TargetError {
    TargetError(kind: .misconfigured, message: message)
  }

  static let interrupted = TargetError(kind: .interrupted, message: "interrupted")
}

/// Why a delivery ended early.
enum DeliveringError: Error {
  case target(TargetError)
  /// What a settled event met.
  case spool(SpoolError)
}
