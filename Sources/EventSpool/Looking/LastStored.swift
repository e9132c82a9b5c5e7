internal import Glibc
package import WebhookCore

extension SpoolReader {
  /// When the spool last stored an event of `instance`, in seconds since 1970; nil if it remembers
  /// none.
  package func lastStored(of instance: InstanceName) throws(SpoolError) -> Int64? {
    var last: Int64?
    try forEachRememberedHour(of: instance) { (hour, _) throws(SpoolError) in
      // A name is younger than its file: in an older folder there is no younger one.
      if let last, let folder = try hour.status(of: "."), folder.modifiedSeconds < last { return }
      try hour.forEachName { name in
        if let status = try? hour.status(of: String(decoding: name, as: UTF8.self)),
          status.st_mode & S_IFMT == S_IFREG
        {
          last = max(last ?? .min, status.modifiedSeconds)
        }
        return true
      }
    }
    return last
  }
}
