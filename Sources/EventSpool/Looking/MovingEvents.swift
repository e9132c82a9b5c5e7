internal import Glibc
package import WebhookCore

extension SpoolReader {
  /// An event's bytes, and where they were read: at `entry`, or in another folder, to which a
  /// consumer has moved it since.
  /// - Parameter now: finished events are looked for in the days about it.
  /// - Returns: nil if it was nowhere. It may have moved behind this look: a later one at all names
  ///   finds it.
  package func contents(
    following entry: SpoolEntry, now: Timestamp
  ) throws(SpoolError) -> (bytes: [UInt8], entry: SpoolEntry)? {
    let days = [now.seconds, now.seconds - 86_400].map { finishedDay(at: $0) }
    // In the order in which an event moves; from defer it can go back.
    let places =
      [EventState.new, .cur, .defer, .dead].map { ($0, nil) } + days.map { (.done, $0) }
    let others = places.map { state, day in
      SpoolEntry(
        place: SpoolPlace(instance: entry.instance, state: state, day: day),
        fileName: entry.fileName)
    }
    for place in [entry] + others + others {
      do throws(SpoolError) {
        return (try contents(of: place), place)
      } catch  where error.errno == ENOENT {}
    }
    return nil
  }

  /// The folder in `done` of what is finished at this time.
  private func finishedDay(at seconds: Int64) -> String {
    String(Timestamp(seconds: seconds).rfc3339.prefix(10))
  }
}
