internal import Glibc
package import WebhookCore

extension SpoolReader {
  /// Calls `body` with each event that the spool remembers to have stored, the newest hours of `iat`
  /// first, whatever has become of it since: when its file was written, and the hook that takes its
  /// kind. A file that is no event, or gone, is passed over, and so is a folder that is no hour's.
  /// - Parameters:
  ///   - before: events that were written later are left out.
  ///   - body: returns false to end it.
  package func forEachStored(
    of instance: InstanceName, before: Timestamp, _ body: (_ seconds: Int64, _ kind: Hook?) -> Bool
  ) throws(SpoolError) {
    let ids: Directory
    do throws(SpoolError) {
      ids = try directory(of: instance).directory(SpoolLayout.ids)
    } catch  where error.errno == ENOENT {
      return
    }
    let hours = try ids.names().filter { CalendarDate.seconds(atBasicHour: $0) != nil }
    for hour in hours.sorted(by: >) {
      do throws(SpoolError) {
        guard try forEachStored(in: ids.directory(hour), before: before, body) else { return }
      } catch  where [ENOENT, ENOTDIR, ELOOP].contains(error.errno) {}  // forgotten, or none of ours
    }
  }

  /// - Returns: whether `body` wants more.
  private func forEachStored(
    in hour: Directory, before: Timestamp, _ body: (Int64, Hook?) -> Bool
  ) throws(SpoolError) -> Bool {
    var wantsMore = true
    try hour.forEachName { bytes in
      let name = String(decoding: bytes, as: UTF8.self)
      guard let status = try? hour.status(of: name), status.st_mode & S_IFMT == S_IFREG,
        isBefore(status.st_mtim, before),
        let line = try? hour.contents(of: name, maxBytes: SpoolLayout.maximumEventBytes),
        let event = StoredEvent(line: line)
      else { return true }
      wantsMore = body(status.modifiedSeconds, Hook(takingType: event[.type]))
      return wantsMore
    }
    return wantsMore
  }
}

private func isBefore(_ time: timespec, _ limit: Timestamp) -> Bool {
  (Int64(time.tv_sec), time.tv_nsec) < (limit.seconds, limit.milliseconds * 1_000_000)
}
