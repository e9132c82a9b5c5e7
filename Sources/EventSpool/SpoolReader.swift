package import WebhookCore

internal import Glibc

/// One event file as the spool names it; the file itself may be gone by the time it is opened.
package struct SpoolEntry: Hashable, Sendable {
  package let instance: InstanceName
  package let state: EventState
  /// The day of a finished event, else nil.
  package let day: String?
  package let fileName: String

  /// Relative to the spool.
  package var path: String {
    ([instance.description, state.rawValue] + (day.map { [$0] } ?? []) + [fileName])
      .joined(separator: "/")
  }

  /// What the name says of the event; nil if it is not an event's name.
  package var summary: EventSummary? { EventSummary(fileName: fileName) }
}

/// Looks into a spool and changes nothing. Consumers may move files meanwhile: an event on its way
/// from one folder to the next may be seen in neither or both.
package struct SpoolReader {
  private let spool: Directory

  package init(path: String) throws(SystemError) {
    spool = try Directory(path: path)
  }

  /// What is free in the spool's file system for users without privileges.
  package func freeSpace() throws(SystemError) -> (bytes: Int, inodes: Int) {
    let space = try spool.freeSpace()
    let (bytes, overflow) = Int(clamping: space.f_bavail)
      .multipliedReportingOverflow(by: Int(clamping: space.f_frsize))
    return (overflow ? .max : bytes, Int(clamping: space.f_favail))
  }

  /// The folders that can be an instance's, whether configured or not.
  package func instances() throws(SystemError) -> [InstanceName] {
    var instances: [InstanceName] = []
    for name in try spool.names().compactMap(InstanceName.init) {
      do throws(SystemError) {
        _ = try spool.directory(name.description)
        instances.append(name)
      } catch  where error.errno == ENOTDIR || error.errno == ENOENT {}
    }
    return instances.sorted { $0.description < $1.description }
  }

  /// The events of `instance` in the given states, in no order. A folder that is missing is empty.
  package func entries(
    of instance: InstanceName, in states: [EventState]
  ) throws(SystemError) -> [SpoolEntry] {
    var entries: [SpoolEntry] = []
    for state in states {
      do throws(SystemError) {
        let folder = try spool.directory(instance.description).directory(state.rawValue)
        entries +=
          try state == .done
          ? finishedEvents(in: folder, instance) : events(in: folder, instance, state, day: nil)
      } catch  where error.errno == ENOENT {}
    }
    return entries
  }

  private func finishedEvents(
    in folder: Directory, _ instance: InstanceName
  ) throws(SystemError) -> [SpoolEntry] {
    var entries: [SpoolEntry] = []
    for day in try folder.names() {
      do throws(SystemError) {
        entries += try events(in: folder.directory(day), instance, .done, day: day)
      } catch  where error.errno == ENOENT || error.errno == ENOTDIR {
        continue  // pruned, or no day's folder
      }
    }
    return entries
  }

  private func events(
    in folder: Directory, _ instance: InstanceName, _ state: EventState, day: String?
  ) throws(SystemError) -> [SpoolEntry] {
    try folder.names().filter { $0.hasSuffix(".json") }.map {
      SpoolEntry(instance: instance, state: state, day: day, fileName: $0)
    }
  }

  /// The file's bytes.
  package func contents(of entry: SpoolEntry) throws(SystemError) -> [UInt8] {
    var folder = try spool.directory(entry.instance.description).directory(entry.state.rawValue)
    if let day = entry.day { folder = try folder.directory(day) }
    return try folder.contents(of: entry.fileName, maxBytes: 1 << 20)
  }
}

extension Directory {
  /// The bytes of the plain file `name`. A symbolic link is not followed.
  /// - Throws: `EFBIG` if there are more than `maxBytes`.
  func contents(of name: String, maxBytes: Int) throws(SystemError) -> [UInt8] {
    // Not to block should the name be a pipe's.
    let file = try open(name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
    let raw = file.raw
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 16_384)
    while true {
      let count = try checked("read", child(name)) { read(raw, &buffer, 16_384) }
      if count == 0 { return bytes }
      bytes += buffer.prefix(count)
      guard bytes.count <= maxBytes else {
        throw SystemError(call: "read", path: child(name), errno: EFBIG)
      }
    }
  }
}
