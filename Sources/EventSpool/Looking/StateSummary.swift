internal import Glibc
internal import LinuxSystem
package import WebhookCore

/// How many events an instance has in one state, and how old the oldest is.
package struct StateSummary: Sendable {
  package private(set) var count = 0
  /// Seconds since 1970: the oldest event's `iat`, which its name begins with. If a name has no
  /// time, the file's modification counts, whatever lies there. Nil if there is nothing.
  package private(set) var oldestSeconds: Int64?
  /// The earliest name that has a time.
  private var earliest: [UInt8]?

  /// Counts the events in a folder.
  mutating func count(eventsIn folder: Directory) throws(SpoolError) {
    let own = try folder.open(".", O_RDONLY | O_DIRECTORY, on: .folder)
    let raw = own.raw
    try folder.forEachEventName { name in
      count(name) { modificationSeconds(of: name, in: raw) }
    }
  }

  /// Adds those of another folder.
  mutating func add(_ other: StateSummary) {
    count += other.count
    take(other.oldestSeconds)
  }

  private mutating func count(_ name: UnsafeRawBufferPointer, modified: () -> Int64?) {
    count += 1
    guard beginsWithTime(name) else { return take(modified()) }
    // Names sort by their times: a later one needs no further look.
    if let earliest, !earliest.withUnsafeBytes({ precedes(name, $0) }) { return }
    let text = String(decoding: name.prefix(16), as: UTF8.self)
    guard let seconds = CalendarDate.seconds(atBasicTime: text) else { return take(modified()) }
    earliest = Array(name)
    take(seconds)
  }

  private mutating func take(_ seconds: Int64?) {
    guard let seconds else { return }
    oldestSeconds = min(seconds, oldestSeconds ?? seconds)
  }
}

extension SpoolReader {
  /// Sums up the events of `instance` in `state`. However many there are, none is kept.
  package func summary(
    of instance: InstanceName, in state: EventState
  ) throws(SpoolError) -> StateSummary {
    var summary = StateSummary()
    try forEachFolder(of: instance, in: state) { (folder, _) throws(SpoolError) in
      try summary.count(eventsIn: folder)
    }
    return summary
  }
}

/// Of whatever lies there, a symbolic link itself included; nil if nothing does any more.
/// - Parameter name: bytes; no text, perhaps.
private func modificationSeconds(of name: UnsafeRawBufferPointer, in folder: Int32) -> Int64? {
  let bytes = name.map(CChar.init(bitPattern:)) + [0]
  var status = stat()
  guard fstatat(folder, bytes, &status, AT_SYMLINK_NOFOLLOW) == 0 else { return nil }
  return status.modifiedSeconds
}

extension stat {
  /// Since 1970, of a time that a calendar has: a file can have any.
  var modifiedSeconds: Int64 { min(max(0, Int64(st_mtim.tv_sec)), NumericDate.latest) }
}
