internal import Glibc
package import WebhookCore

/// Looks into a spool and changes nothing. Consumers may move files meanwhile: an event on its way
/// from one folder to the next may be seen in neither or both.
package struct SpoolReader {
  private let spool: Directory

  package init(path: String) throws(SpoolError) {
    spool = try Directory(path: path)
  }

  /// What is free in the spool's file system for users without privileges.
  package func freeSpace() throws(SpoolError) -> (bytes: Int, inodes: Int) {
    let space = try spool.freeSpace()
    let (bytes, overflow) = Int(clamping: space.f_bavail)
      .multipliedReportingOverflow(by: Int(clamping: space.f_frsize))
    return (overflow ? .max : bytes, Int(clamping: space.f_favail))
  }

  /// The folders that can be an instance's, whether configured or not.
  package func instances() throws(SpoolError) -> [InstanceName] {
    var instances: [InstanceName] = []
    for name in try spool.names().compactMap(InstanceName.init) {
      do throws(SpoolError) {
        _ = try spool.directory(name.description)
        instances.append(name)
      } catch  where error.errno == ENOTDIR || error.errno == ENOENT {}
    }
    return instances.sorted { $0.description < $1.description }
  }

  /// Whether the folder has a spool's layout.
  package func isLaidOut(_ instance: InstanceName) throws(SpoolError) -> Bool {
    try spool.directory(instance.description).contains(SpoolLayout.format)
  }

  /// Calls `body` with the name of every event of `instance` in `state`, in no order. A folder that
  /// is missing is empty. However many there are, none is kept.
  package func forEachName(
    of instance: InstanceName, in state: EventState,
    _ body: (_ name: UnsafeRawBufferPointer, _ day: String?) -> Void
  ) throws(SpoolError) {
    try forEachFolder(of: instance, in: state) { (folder, day) throws(SpoolError) in
      try folder.forEachEventName { body($0, day) }
    }
  }

  /// Every event of `instance`, in no order.
  package func all(of instance: InstanceName) throws(SpoolError) -> [SpoolEntry] {
    var entries: [SpoolEntry] = []
    for state in EventState.allCases {
      try forEachName(of: instance, in: state) { name, day in
        entries.append(
          SpoolEntry(
            instance: instance, state: state, day: day,
            fileName: String(decoding: name, as: UTF8.self)))
      }
    }
    return entries
  }

  /// The oldest events of some instances in some states, from behind `start` on, in the order of
  /// their names, which begin with the time.
  package func oldest(
    _ limit: Int, of instances: [InstanceName], in states: [EventState],
    after start: SpoolEntry? = nil, where isWanted: (SpoolEntry) -> Bool = { _ in true }
  ) throws(SpoolError) -> [SpoolEntry] {
    var found: [SpoolEntry] = []
    for instance in instances {
      for state in states {
        try forEachFolder(of: instance, in: state) { (folder, day) throws(SpoolError) in
          // One name may lie in several folders: those that come behind `start` by their path, too.
          let entries = try folder.oldestEventNames(limit, from: start?.fileName) { name in
            let entry = SpoolEntry(instance: instance, state: state, day: day, fileName: name)
            return (start.map { $0 < entry } ?? true) && isWanted(entry)
          }
          found += entries.map {
            SpoolEntry(instance: instance, state: state, day: day, fileName: $0)
          }
        }
      }
    }
    return Array(found.sorted().prefix(limit))
  }

  /// Calls `body` with each folder that holds events of `instance` in `state`. One is open at a time,
  /// however many days there are.
  func forEachFolder(
    of instance: InstanceName, in state: EventState,
    _ body: (Directory, _ day: String?) throws(SpoolError) -> Void
  ) throws(SpoolError) {
    let folder: Directory
    let days: [String]
    do throws(SpoolError) {
      folder = try spool.directory(instance.description).directory(state.rawValue)
      days = state == .done ? try folder.names().sorted() : []
    } catch  where error.errno == ENOENT {
      return
    }
    guard state == .done else { return try body(folder, nil) }
    for day in days {
      let open: Directory
      do throws(SpoolError) {
        open = try folder.directory(day)
      } catch  where error.errno == ENOENT || error.errno == ENOTDIR {
        continue  // pruned, or no day's
      }
      try body(open, day)
    }
  }

  /// The events that `text` may mean: a path, a file's name, or the beginning of an id, of at least
  /// six digits.
  package func entries(
    named text: String, of instances: [InstanceName], in states: [EventState]
  ) throws(SpoolError) -> [SpoolEntry] {
    guard text.hasSuffix(".json") else {
      let prefix = text.lowercased().prefix(32)
      guard prefix.utf8.count >= 6 else { return [] }
      return try oldest(100, of: instances, in: states) {
        $0.summary?.idPrefix.hasPrefix(prefix) ?? false
      }
    }
    let name = text.split(separator: "/").last.map(String.init) ?? text
    var found: [SpoolEntry] = []
    for instance in instances {
      for state in states {
        try forEachFolder(of: instance, in: state) { (folder, day) throws(SpoolError) in
          guard try folder.contains(name) else { return }
          found.append(SpoolEntry(instance: instance, state: state, day: day, fileName: name))
        }
      }
    }
    return text.contains("/") ? found.filter { "/\(text)".hasSuffix("/\($0.path)") } : found
  }

  /// What has become of the event's handling, if it is put off or given up.
  package func record(of entry: SpoolEntry) -> AttemptRecord? {
    guard entry.state == .defer || entry.state == .dead || entry.state == .cur,
      // While it is tried again, its record stays where it was.
      let folder = try? spool.directory(entry.instance.description)
        .directory(entry.state == .dead ? EventState.dead.rawValue : EventState.defer.rawValue)
    else { return nil }
    return
      (try? folder.contents(
        of: AttemptRecord.fileName(for: entry.fileName), maxBytes: SpoolLayout.maximumRecordBytes))
      .flatMap(AttemptRecord.init(line:))
  }

  /// How many events with an `iat` of this hour or the one before were written in the last hour,
  /// handled or not.
  package func countOfLastHour(
    of instance: InstanceName, now: Timestamp
  ) throws(SpoolError) -> Int {
    let limit = now.seconds - 3_600
    var count = 0
    for hour in [now.seconds, limit].map(CalendarDate.init(secondsSince1970:)) {
      do throws(SpoolError) {
        let folder = try spool.directory(instance.description).directory(SpoolLayout.ids)
          .directory(hour.basicHour)
        for name in try folder.names() {
          if let status = try folder.status(of: name), Int64(status.st_mtim.tv_sec) >= limit {
            count += 1
          }
        }
      } catch  where error.errno == ENOENT {}
    }
    return count
  }

  /// The file's bytes.
  package func contents(of entry: SpoolEntry) throws(SpoolError) -> [UInt8] {
    var folder = try spool.directory(entry.instance.description).directory(entry.state.rawValue)
    if let day = entry.day { folder = try folder.directory(day) }
    return try folder.contents(of: entry.fileName, maxBytes: SpoolLayout.maximumEventBytes)
  }
}
