package import WebhookCore

/// One event file as the spool names it; the file itself may be gone by the time it is opened.
package struct SpoolEntry: Hashable, Sendable {
  package let instance: InstanceName
  package let state: EventState
  /// The day of a finished event, else nil.
  package let day: String?
  package let fileName: String

  /// - Parameter fileName: as it was found in a folder of the spool.
  package init(instance: InstanceName, state: EventState, day: String?, fileName: String) {
    self.instance = instance
    self.state = state
    self.day = day
    self.fileName = fileName
  }

  /// Relative to the spool.
  package var path: String {
    ([instance.description, state.rawValue] + (day.map { [$0] } ?? []) + [fileName])
      .joined(separator: "/")
  }

  /// What the name says of the event; nil if it is not an event's name.
  package var summary: EventFileName? { EventFileName(parsing: fileName) }
}

extension SpoolEntry: Comparable {
  /// By name, and so by time; then by path.
  package static func < (one: SpoolEntry, other: SpoolEntry) -> Bool {
    (one.fileName, one.path) < (other.fileName, other.path)
  }
}
