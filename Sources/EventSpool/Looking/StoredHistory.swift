internal import Glibc
package import WebhookCore

extension SpoolReader {
  /// Calls `body` with each event that the spool remembers to have stored, the newest hours of `iat`
  /// first, whatever has become of it since: when its file was written, and the hook that takes its
  /// kind. A file that is no event, or gone, is passed over, and so is a folder that is no hour's.
  /// - Parameter before: events that were written later are left out.
  package func forEachStored(
    of instance: InstanceName, before: Timestamp, _ body: (_ seconds: Int64, _ kind: Hook?) -> Void
  ) throws(SpoolError) {
    try forEachRememberedHour(of: instance) { (hour, _) throws(SpoolError) in
      try hour.forEachName { bytes in
        let name = String(decoding: bytes, as: UTF8.self)
        guard let status = try? hour.status(of: name), status.st_mode & S_IFMT == S_IFREG,
          isBefore(status.st_mtim, before),
          let event = try? hour.event(name)
        else { return true }
        body(status.modifiedSeconds, Hook(takingType: event[.type]))
        return true
      }
    }
  }

  /// Calls `body` with each folder of `ids/` and the start of its hour of `iat`, the newest first.
  func forEachRememberedHour(
    of instance: InstanceName,
    _ body: (_ folder: Directory, _ start: Int64) throws(SpoolError) -> Void
  ) throws(SpoolError) {
    let ids: Directory
    do throws(SpoolError) {
      ids = try directory(of: instance).directory(SpoolLayout.ids)
    } catch  where error.errno == ENOENT {
      return
    }
    for name in try ids.names().sorted(by: >) {
      guard let start = CalendarDate.seconds(atBasicHour: name) else { continue }
      do throws(SpoolError) {
        try body(ids.directory(name), start)
      } catch  where [ENOENT, ENOTDIR, ELOOP].contains(error.errno) {
        // Forgotten, or none of ours.
      }
    }
  }
}

extension Directory {
  /// The event in the file `name`; nil if it is none.
  func event(_ name: String) throws(SpoolError) -> StoredEvent? {
    StoredEvent(line: try contents(of: name, maxBytes: SpoolLayout.maximumEventBytes))
  }
}

private func isBefore(_ time: timespec, _ limit: Timestamp) -> Bool {
  (Int64(time.tv_sec), time.tv_nsec) < (limit.seconds, limit.milliseconds * 1_000_000)
}
