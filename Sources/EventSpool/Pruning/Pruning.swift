internal import Glibc
package import WebhookCore

/// Removes what nobody needs any more from an instance's folder of the spool. An event that a
/// consumer holds is not touched.
extension EventConsumer {
  /// The days in `done` that ended `seconds` ago or earlier, the oldest first. Never today.
  package func finishedDays(
    endedSecondsAgo seconds: Int64, now: Timestamp
  ) throws(SpoolError) -> [String] {
    guard let done = try existingFolder(.done) else { return [] }
    let limit = now.seconds - max(0, seconds)
    var days: [String] = []
    for day in try done.names() {
      // A link is not followed: what lies behind it is somebody else's.
      guard let status = try done.status(of: day), status.st_mode & S_IFMT == S_IFDIR,
        let start = CalendarDate.seconds(rfc3339: "\(day)T00:00:00Z"), start + 86_400 <= limit
      else { continue }
      days.append(day)
    }
    return days.sorted()
  }

  /// - Parameter isDryRun: only counts.
  /// - Returns: how many events of that day were removed.
  package func prune(day: String, isDryRun: Bool) throws(SpoolError) -> Int {
    let done = try folder(.done)
    let folder = try done.directory(day)
    var count = 0
    for name in try folder.names() where EventFileName.marksEvent(Array(name.utf8)) {
      if !isDryRun {
        guard let held = try hold(name, in: folder) else { continue }
        try folder.remove(name)
        _ = consume held
      }
      count += 1
    }
    guard !isDryRun else { return count }
    do throws(SpoolError) {
      try done.removeDirectory(day)
    } catch  where error.errno == ENOTEMPTY || error.errno == ENOENT {}
    return count
  }

  /// Removes the events in `dead` whose last attempt, or else whose time, lies that far back.
  /// - Returns: how many there were.
  package func pruneDead(
    olderThanSeconds seconds: Int64, now: Timestamp, isDryRun: Bool
  ) throws(SpoolError) -> Int {
    let limit = now.seconds - max(0, seconds)
    var count = 0
    var start: String?
    while true {
      let names = try oldest(1_000, in: .dead, after: start)
      for name in names {
        let lastAttempt = record(of: name, in: .dead)?.lastAttempt?.seconds
        guard let time = lastAttempt ?? EventFileName(parsing: name)?.issuedSeconds, time <= limit
        else { continue }
        if !isDryRun {
          guard let held = try hold(name, in: .dead) else { continue }
          try remove(name, in: .dead)
          _ = consume held
        }
        count += 1
      }
      guard names.count == 1_000 else { return count }
      start = names.last
    }
  }
}
