internal import Glibc
package import WebhookCore

/// An event that was stored, by what the spool still knows of it.
package struct KnownEvent: Sendable {
  /// When the hour of its `iat` begins, in seconds since 1970.
  package let hour: Int64
  /// The hook that takes its kind; nil if none does.
  package let hook: Hook?
  /// The sender's id: UTF-8 bytes.
  package let claimID: [UInt8]

  package init(hour: Int64, hook: Hook?, claimID: [UInt8]) {
    (self.hour, self.hook, self.claimID) = (hour, hook, claimID)
  }
}

extension SpoolReader {
  /// Calls `body` once with each event of `instance` whose `iat` lies in these hours: an event in a
  /// state's folder is known by its name, and one that only `ids/` remembers by its file.
  /// - Parameters:
  ///   - hours: their starts, in seconds since 1970.
  ///   - step: is called as often as `countRemembered` says.
  package func forEachKnownEvent(
    of instance: InstanceName, in hours: ClosedRange<Int64>, step: () -> Void,
    _ body: (KnownEvent) -> Void
  ) throws(SpoolError) {
    var seen = Set<IDPrefix>()
    var clock = IssueClock()
    for state in EventState.allCases {
      try forEachFolder(of: instance, in: state) { (folder, _) throws(SpoolError) in
        try folder.forEachEventName { name in
          guard let parts = EventFileName.Parts(of: name),
            let hour = clock.hour(of: name), hours.contains(hour),
            let prefix = IDPrefix(name[parts.idPrefix]), seen.insert(prefix).inserted
          else { return }
          body(
            KnownEvent(
              hour: hour,
              hook: Hook(
                takingKind: Array(name[parts.kind]), status: Array(name[parts.status])),
              claimID: claimID(of: name, parts.claimID, in: folder)))
        }
      }
    }
    // After the folders: what moved behind their reader's back is found here.
    try forEachRememberedHour(of: instance) { (folder, hour) throws(SpoolError) in
      guard hours.contains(hour) else { return }
      try folder.forEachName { name in
        step()
        guard let prefix = IDPrefix(name.prefix(IDPrefix.digits)), seen.insert(prefix).inserted,
          let event = try? folder.event(String(decoding: name, as: UTF8.self))
        else { return true }
        body(
          KnownEvent(
            hour: hour, hook: Hook(takingType: event[.type]), claimID: event.claimID))
        return true
      }
    }
  }

  /// How many names `ids/` has in these hours.
  package func countRemembered(
    of instance: InstanceName, in hours: ClosedRange<Int64>
  ) throws(SpoolError) -> Int {
    var count = 0
    try forEachRememberedHour(of: instance) { (folder, hour) throws(SpoolError) in
      guard hours.contains(hour) else { return }
      try folder.forEachName { _ in
        count += 1
        return true
      }
    }
    return count
  }
}

/// As the name has it, if that says all; else as the file has it.
private func claimID(
  of name: UnsafeRawBufferPointer, _ part: Range<Int>, in folder: Directory
) -> [UInt8] {
  let id = name[part]
  // A name of another program may hold any bytes.
  let text = Array(String(decoding: id, as: UTF8.self).utf8)
  if EventFileName.isWhole(claimID: id) { return text }
  return (try? folder.event(String(decoding: name, as: UTF8.self)))?.claimID ?? text
}

/// The first 32 digits of an event's id.
private struct IDPrefix: Hashable {
  static let digits = 32

  private let value: UInt128

  init?(_ digits: some Collection<UInt8>) {
    guard digits.count == Self.digits else { return nil }
    var value: UInt128 = 0
    for digit in digits {
      switch digit {
      case 0x30...0x39: value = value << 4 | UInt128(digit - 0x30)
      case 0x61...0x66: value = value << 4 | UInt128(digit - 0x61 + 10)
      default: return nil
      }
    }
    self.value = value
  }
}
