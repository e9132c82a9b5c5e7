package import WebhookCore

/// A folder of the spool that holds events.
package struct SpoolPlace: Hashable, Sendable {
  package let instance: InstanceName
  package let state: EventState
  /// The day of finished events, else nil.
  package let day: String?

  package init(instance: InstanceName, state: EventState, day: String? = nil) {
    (self.instance, self.state, self.day) = (instance, state, day)
  }

  /// Relative to the spool.
  package var path: String {
    "\(instance)/\(state.rawValue)" + (day.map { "/\($0)" } ?? "")
  }
}

/// One event file as the spool names it; the file itself may be gone by the time it is opened.
package struct SpoolEntry: Hashable, Sendable {
  package let place: SpoolPlace
  package let fileName: String

  /// - Parameter fileName: as it was found in that folder.
  package init(place: SpoolPlace, fileName: String) {
    self.place = place
    self.fileName = fileName
  }

  package var instance: InstanceName { place.instance }
  package var state: EventState { place.state }
  package var day: String? { place.day }

  /// Relative to the spool.
  package var path: String { "\(place.path)/\(fileName)" }

  /// What the name says of the event; nil if it is not an event's name.
  package var summary: EventFileName? { EventFileName(parsing: fileName) }
}
