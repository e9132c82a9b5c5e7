/// The metrics that are told to Prometheus, in the order in which they are written. `facts` has a
/// row for each. Once released, a name is never changed or reused.
package enum Metric: String, CaseIterable, Sendable {
  // The responder.
  case build = "delve_webhook_build_info"
  case start = "delve_webhook_start_timestamp_seconds"
  case deliveries = "delve_webhook_deliveries_total"
  case lastDelivery = "delve_webhook_last_delivery_timestamp_seconds"
  case lastStored = "delve_webhook_last_stored_timestamp_seconds"
  case deliveryTime = "delve_webhook_delivery_seconds"
  case decisionTime = "delve_webhook_decision_seconds"
  case publishingTime = "delve_webhook_publishing_seconds"
  case receivedBytes = "delve_webhook_received_bytes_total"
  case sentBytes = "delve_webhook_sent_bytes_total"
  case workersBusy = "delve_webhook_workers_busy"
  case workersBusyPeak = "delve_webhook_workers_busy_peak"
  case workersLimit = "delve_webhook_workers_limit"
  case requestsWaiting = "delve_webhook_requests_waiting"
  case requestsOverdue = "delve_webhook_requests_overdue"
  case unanswered = "delve_webhook_unanswered_deliveries_total"
  case connections = "delve_webhook_connections"
  case connectionsLimit = "delve_webhook_connections_limit"
  case malformedConnections = "delve_webhook_malformed_connections_total"
  case lostLogLines = "delve_webhook_lost_log_lines_total"
  case suppressedLogLines = "delve_webhook_suppressed_log_lines_total"
  case reloads = "delve_webhook_reloads_total"
  case lastReloadSuccessful = "delve_webhook_last_reload_successful"
  case lastReload = "delve_webhook_last_reload_timestamp_seconds"
  case key = "delve_webhook_key_info"
  case keyFilesReadable = "delve_webhook_key_files_readable"
  case keysLoaded = "delve_webhook_keys_loaded_timestamp_seconds"
  // The spool.
  case spoolUsable = "delve_webhook_spool_usable"
  case spoolClosed = "delve_webhook_spool_closed"
  case spoolEvents = "delve_webhook_spool_events"
  case spoolOldestAge = "delve_webhook_spool_oldest_age_seconds"
  case spoolArrivals = "delve_webhook_spool_arrivals_last_hour"
  case spoolLookAge = "delve_webhook_spool_look_age_seconds"
  case spoolFreeBytes = "delve_webhook_spool_free_bytes"
  case spoolMinimumFreeBytes = "delve_webhook_spool_minimum_free_bytes"
  case spoolFreeInodes = "delve_webhook_spool_free_inodes"
  // The consumers.
  case consumerHandled = "delve_webhook_consumer_handled_total"
  case consumerPutOff = "delve_webhook_consumer_put_off_total"
  case consumerGivenUp = "delve_webhook_consumer_given_up_total"
  case consumerOldestAge = "delve_webhook_consumer_oldest_age_seconds"
  case consumerStart = "delve_webhook_consumer_start_timestamp_seconds"
  case consumerReport = "delve_webhook_consumer_report_timestamp_seconds"

  package enum Kind: String, Sendable {
    case counter, gauge, histogram
    /// Of the value 1: what counts is the labels.
    case info
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
    case .build: Facts(.info, "Version and commit of the responder")
    case .start: Facts(.gauge, "When the responder started; its counters count from then on")
    case .deliveries: Facts(.counter, "Deliveries by their answer's code word")
    case .lastDelivery: Facts(.gauge, "When a delivery was last answered with this code word")
    case .lastStored:
      Facts(.gauge, "When an event of the hook's kind was last stored, also before the start")
    case .deliveryTime:
      Facts(.histogram, "Time from a delivery's first byte, or its connection, to its answer")
    case .decisionTime: Facts(.histogram, "Time that the decision on a delivery took")
    case .publishingTime: Facts(.histogram, "Time that the spool took for an accepted delivery")
    case .receivedBytes: Facts(.counter, "Bytes that web servers sent, as FastCGI records")
    case .sentBytes:
      Facts(.counter, "Bytes of answers to deliveries, without their FastCGI records")
    case .workersBusy: Facts(.gauge, "Workers that serve a request")
    case .workersBusyPeak: Facts(.gauge, "Most workers that served a request at once")
    case .workersLimit: Facts(.gauge, "Workers that may be started")
    case .requestsWaiting: Facts(.gauge, "Requests that wait for a worker")
    case .requestsOverdue: Facts(.gauge, "Requests that a worker has for longer than their time")
    case .unanswered:
      Facts(.counter, "Deliveries without an answer: nobody decided them in time, or unsent")
    case .connections: Facts(.gauge, "Open connections of web servers")
    case .connectionsLimit: Facts(.gauge, "Connections that may be open at once")
    case .malformedConnections:
      Facts(.counter, "Connections closed for malformed records or too many bytes")
    case .lostLogLines: Facts(.counter, "Log lines that nobody read in time")
    case .suppressedLogLines: Facts(.counter, "Log lines of refusals above ten a second")
    case .reloads: Facts(.counter, "Reloads of the configuration by their result")
    case .lastReloadSuccessful:
      Facts(.gauge, "1 if the last reload of the configuration succeeded, or none was tried")
    case .lastReload: Facts(.gauge, "When a reload of the configuration was last tried")
    case .key: Facts(.info, "Keys in force")
    case .keyFilesReadable:
      Facts(.gauge, "1 if the instance's key files could be used when they were last read")
    case .keysLoaded: Facts(.gauge, "When the instance's keys in force were read")
    case .spoolUsable: Facts(.gauge, "1 if an event could be stored")
    case .spoolClosed: Facts(.gauge, "1 while a failed sync keeps the spool closed")
    case .spoolEvents: Facts(.gauge, "Events in a state's folder")
    case .spoolOldestAge:
      Facts(.gauge, "Age of a state's oldest event by its iat; absent if there is no event")
    case .spoolArrivals: Facts(.gauge, "Events stored within the last hour, handled or not")
    case .spoolLookAge: Facts(.gauge, "How long ago the instance's events were counted")
    case .spoolFreeBytes: Facts(.gauge, "Bytes free in the file system of the spool")
    case .spoolMinimumFreeBytes:
      Facts(.gauge, "Bytes that must be free for a new event to be stored")
    case .spoolFreeInodes: Facts(.gauge, "Inodes free in the file system of the spool")
    case .consumerHandled:
      Facts(
        .counter, "Events that the consumer handled: they went to done, or somebody was told")
    case .consumerPutOff:
      Facts(.counter, "How often the consumer put an event off: it is tried again")
    case .consumerGivenUp:
      Facts(.counter, "Events that the consumer gave up, by how the last attempt ended")
    case .consumerOldestAge:
      Facts(
        .gauge, "Age by its iat of the oldest event that is not handled yet; 0 if there is none")
    case .consumerStart:
      Facts(.gauge, "When the consumer started; its counters count from then on")
    case .consumerReport: Facts(.gauge, "When the consumer last wrote its numbers")
    }
  }

  /// The name of the family in OpenMetrics, which the samples' names extend.
  package var family: String {
    switch facts.kind {
    case .counter: String(rawValue.dropLast("_total".count))
    case .info: String(rawValue.dropLast("_info".count))
    case .gauge, .histogram: rawValue
    }
  }

  /// Names in the base units of Prometheus end with them.
  package var unit: String? {
    ["seconds", "bytes"].first { family.hasSuffix("_\($0)") }
  }
}
