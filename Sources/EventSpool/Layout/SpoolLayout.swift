/// The names in an instance's folder of the spool, each in this one place.
package enum SpoolLayout {
  static let ids = "ids"
  static let lock = "lock"
  /// Refused requests, if they are to be kept.
  static let refused = "refused"
  /// Those of the events, and what was published.
  static let folders = EventState.allCases.map(\.rawValue) + [ids]
  static let format = "format"
  /// The number in the file `format`. An older program refuses a newer one.
  package static let formatNumber = 1
  /// How the names begin that a probe links and removes again.
  static let probePrefix = ".probe-"

  /// More than any event has: a token has 64 KiB at most, and the payload stands in an event twice.
  static let maximumEventBytes = 1 << 20
  /// More than a kept request has, unless max-body-bytes is raised: two fields, twice each, and a body.
  static let maximumRefusedBytes = 1 << 20
  /// More than any record of a handling has.
  static let maximumRecordBytes = 65_536
}

/// Where an event's file lies, and so what has become of the event.
package enum EventState: String, CaseIterable, Sendable {
  /// Ready for a consumer.
  case new
  /// Claimed by a consumer.
  case cur
  /// Failed, to be tried again later.
  case `defer`
  /// Given up on.
  case dead
  /// Finished, in a folder for the day, until it is pruned.
  case done

  /// Those of events that are not handled yet, in the order in which an event goes through them.
  package static let waiting: [EventState] = [.new, .cur, .defer]
}
