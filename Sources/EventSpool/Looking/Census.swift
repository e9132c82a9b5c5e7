internal import Glibc
package import WebhookCore

/// Counts an instance's events again and again, for somebody who watches. A folder in which no name
/// came or went since it was counted is not read again. For one thread.
package struct Census {
  private struct Place: Hashable {
    let state: EventState
    let day: String?
  }

  private struct Count {
    /// Which folder it was, and its time.
    let folder: FileVersion
    let summary: StateSummary
  }

  private let path: String
  private let instance: InstanceName
  private var counts: [Place: Count] = [:]
  /// Those of whose folders one was read at the last look.
  package private(set) var changedStates: Set<EventState> = []

  package init(of instance: InstanceName, in path: String) {
    (self.instance, self.path) = (instance, path)
  }

  /// - Throws: if a folder cannot be looked at.
  package mutating func look(now: Timestamp) throws(SpoolError) -> [EventState: StateSummary] {
    let reader = try SpoolReader(path: path)
    try reader.requireInstance(instance)
    var summaries: [EventState: StateSummary] = [:]
    var counts: [Place: Count] = [:]
    changedStates = []
    for state in EventState.allCases {
      var summary = StateSummary()
      try reader.forEachFolder(of: instance, in: state) { (folder, day) throws(SpoolError) in
        let place = Place(state: state, day: day)
        let (count, isNew) = try self.count(of: folder, known: self.counts[place])
        if isNew { changedStates.insert(state) }
        summary.add(count.summary)
        if isSettled(count.folder.time, now) { counts[place] = count }
      }
      summaries[state] = summary
    }
    self.counts = counts
    return summaries
  }

  private func count(
    of folder: Directory, known: Count?
  ) throws(SpoolError) -> (Count, isNew: Bool) {
    let version = FileVersion(try folder.status(of: ".") ?? stat())
    if let known, known.folder == version { return (known, false) }
    var summary = StateSummary()
    try summary.count(eventsIn: folder)
    return (Count(folder: version, summary: summary), true)
  }
}
