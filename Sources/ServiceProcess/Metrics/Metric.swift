/// The metrics that are told to Prometheus, in the order in which they are written. `facts` has a
/// row for each. Once released, a name is never changed or reused.
package enum Metric: String, CaseIterable, Sendable {
  case spoolEvents = "delve_webhook_spool_events"
  case spoolOldestAge = "delve_webhook_spool_oldest_age_seconds"
  case spoolArrivals = "delve_webhook_spool_arrivals_last_hour"
  case spoolFreeBytes = "delve_webhook_spool_free_bytes"
  case spoolFreeInodes = "delve_webhook_spool_free_inodes"

  package enum Kind: String, Sendable {
    case counter, gauge
  }

  package struct Facts: Sendable {
    package let kind: Kind
    /// One sentence without a full stop, a backslash or a line's end.
    package let help: String

    init(_ kind: Kind, _ help: String) {
      (self.kind, self.help) = (kind, help)
    }
  }

  package var facts: Facts {
    switch self {
    case .spoolEvents: Facts(.gauge, "Events in a state's folder")
    case .spoolOldestAge:
      Facts(.gauge, "Age of a state's oldest event by its iat; absent if there is no event")
    case .spoolArrivals: Facts(.gauge, "Events stored within the last hour, handled or not")
    case .spoolFreeBytes: Facts(.gauge, "Bytes free in the file system of the spool")
    case .spoolFreeInodes: Facts(.gauge, "Inodes free in the file system of the spool")
    }
  }
}
