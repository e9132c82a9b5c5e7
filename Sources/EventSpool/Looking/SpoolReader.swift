internal import Glibc
internal import LinuxSystem
package import WebhookCore

/// Looks into a spool and changes nothing. Consumers may move files meanwhile: an event on its way
/// from one folder to the next may be seen in neither or both.
package struct SpoolReader {
  private let spool: Directory

  package init(path: String) throws(SpoolError) {
    spool = try Directory(path: path)
  }

  /// Whether the path leads to this spool's folder.
  func isSpool(_ path: String) -> Bool {
    spool.identity != nil && FileIdentity(path: path) == spool.identity
  }

  /// What is free in the spool's file system for users without privileges.
  package func freeSpace() throws(SpoolError) -> (bytes: Int, inodes: Int) {
    let space = try spool.freeSpace()
    let (bytes, overflow) = Int(clamping: space.f_bavail)
      .multipliedReportingOverflow(by: Int(clamping: space.f_frsize))
    return (overflow ? .max : bytes, Int(clamping: space.f_favail))
  }

  /// Why no event could be stored, for want of space or inodes; nil if one could.
  package func spaceProblem(minimumFreeBytes: Int) -> SpoolError? {
    do throws(SpoolError) {
      try spool.requireSpace(minimumFreeBytes: minimumFreeBytes)
      return nil
    } catch {
      return error
    }
  }

  /// Whether its file system is mounted so that nobody can write there (statvfs(3)).
  package func isReadOnly() throws(SpoolError) -> Bool {
    try spool.freeSpace().f_flag & UInt(ST_RDONLY) != 0
  }

  /// The folders that can be an instance's, whether configured or not.
  package func instances() throws(SpoolError) -> [InstanceName] {
    var instances: [InstanceName] = []
    for name in try spool.names().compactMap(InstanceName.init) {
      do throws(SpoolError) {
        _ = try spool.directory(name.description)
      } catch  where [ENOTDIR, ENOENT, ELOOP].contains(error.errno) {
        continue
      } catch  where error.errno == EACCES {}  // another user's
      instances.append(name)
    }
    return instances.sorted { $0.description < $1.description }
  }

  func directory(of instance: InstanceName) throws(SpoolError) -> Directory {
    try spool.directory(instance.description)
  }

  /// - Throws: unless the instance has its folders.
  func requireInstance(_ instance: InstanceName) throws(SpoolError) {
    _ = try directory(of: instance).directory(EventState.new.rawValue)
  }

  /// Whether the folder is an instance's, and not just one that lies there. A copy may have some of
  /// its folders only.
  package func isInstance(_ instance: InstanceName) throws(SpoolError) -> Bool {
    let folder = try spool.directory(instance.description)
    for name in [SpoolLayout.format] + EventState.allCases.map(\.rawValue)
    where try folder.contains(name) { return true }
    return false
  }

  /// Whether it is this process's user's, who can read it.
  func isOwn(_ instance: InstanceName) throws(SpoolError) -> Bool {
    do throws(SpoolError) {
      try spool.directory(instance.description).requireOwn()
      return true
    } catch  where error.isForeignOwner || error.errno == EACCES {
      return false
    }
  }

  /// Why the folder's layout is not the one that this version knows; nil if it is.
  package func layoutProblem(of instance: InstanceName) -> SpoolError? {
    do throws(SpoolError) {
      let folder = try spool.directory(instance.description)
      if try folder.contains(SpoolLayout.format) { try folder.requireFormat() }
      return nil
    } catch {
      return error
    }
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

  /// The events of some instances in some states; or only so many of them.
  /// - Parameter isWanted: by the name, whose bytes are valid during the call, and its folder.
  package func listing(
    of instances: [InstanceName], in states: [EventState],
    limit: Int = .max, keeping kept: NameList.Kept = .oldest,
    where isWanted: (UnsafeRawBufferPointer, SpoolPlace) -> Bool = { _, _ in true }
  ) throws(SpoolError) -> SpoolListing {
    let names = NameList(limit: limit, keeping: kept)
    var places: [SpoolPlace] = []
    for instance in instances {
      for state in states {
        try forEachFolder(of: instance, in: state) { (folder, day) throws(SpoolError) in
          let place = SpoolPlace(instance: instance, state: state, day: day)
          try folder.forEachEventName { name in
            if names.mayKeep(name), isWanted(name, place) { names.offer(name, in: places.count) }
          }
          places.append(place)
        }
      }
    }
    return SpoolListing(names: names, places: places)
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

  /// What has become of the event's handling, if it is put off or given up.
  package func record(of entry: SpoolEntry) -> AttemptRecord? {
    guard mayHaveRecord(entry.state),
      // While it is tried again, its record stays where it was.
      let folder = try? spool.directory(entry.instance.description)
        .directory(entry.state == .dead ? EventState.dead.rawValue : EventState.defer.rawValue)
    else { return nil }
    return
      (try? folder.contents(
        of: AttemptRecord.fileName(for: entry.fileName), maxBytes: SpoolLayout.maximumRecordBytes))
      .flatMap(AttemptRecord.init(line:))
  }

  /// The same of a name that was found there.
  package func record(of name: UnsafeRawBufferPointer, in place: SpoolPlace) -> AttemptRecord? {
    guard mayHaveRecord(place.state) else { return nil }
    return record(
      of: SpoolEntry(place: place, fileName: String(decoding: name, as: UTF8.self)))
  }

  private func mayHaveRecord(_ state: EventState) -> Bool {
    state == .defer || state == .dead || state == .cur
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
        try folder.forEachName { name in
          let status = try? folder.status(of: String(decoding: name, as: UTF8.self))
          if let status, Int64(status.st_mtim.tv_sec) >= limit { count += 1 }
          return true
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
