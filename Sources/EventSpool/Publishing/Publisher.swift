internal import Glibc
package import WebhookCore

/// One worker's way into an instance's spool. Not to be shared between threads; any number of
/// publishers, in any number of processes, may work on one spool at the same time.
package final class Publisher {
  package enum Publication: Equatable, Sendable {
    case stored, duplicate
  }

  private let spool: InstanceSpool
  private let lock: EventLock
  private var new: Directory
  /// The folder of the last event's hour: most often the next one's, too.
  private var lastHour: HourFolder?

  package init(of spool: InstanceSpool) throws(SpoolError) {
    self.spool = spool
    lock = try EventLock(in: spool.root)
    new = try spool.openNew()
  }

  /// Makes `event` durable and visible to consumers, or finds that it already is. When this
  /// returns, the event survives a power cut.
  /// - Parameters:
  ///   - minimumFreeBytes: below it nothing is stored; duplicates are still found.
  ///   - deadline: how long it may wait for another worker that stores the same event.
  /// - Throws: nothing was promised; nothing stays in the spool unless the event was linked into
  ///   `ids/`, and then a repeated delivery finds it.
  package func publish(
    _ event: Event, minimumFreeBytes: Int, until deadline: ContinuousClock.Instant
  ) throws(SpoolError) -> Publication {
    let watch = try spool.failures.watch()  // throws while the spool is closed by a failed sync
    if try contains(event) { return .duplicate }  // a name in ids/ means: whole, and on the disk
    try spool.requireSpace(minimumFreeBytes: minimumFreeBytes)
    let draft = try durableDraft(of: event)
    var held = try lock.take(for: event.id, until: deadline)
    let isDuplicate = try contains(event)
    if !isDuplicate { try linkDurably(draft, event, watch) }
    try held.release()
    try watch.check()  // another thread's failed sync may have swallowed the error of ours
    return isDuplicate ? .duplicate : .stored
  }

  private func contains(_ event: Event) throws(SpoolError) -> Bool {
    try hourFolder(of: event).directory.contains(event.id.hex)
  }

  private func hourFolder(of event: Event) throws(SpoolError) -> HourFolder {
    if let lastHour, lastHour.hour == event.issuedHour { return lastHour }
    let folder = try spool.hours.folder(event.issuedHour)
    lastHour = folder
    return folder
  }

  private func durableDraft(of event: Event) throws(SpoolError) -> DraftFile {
    let draft = try spool.root.draftFile()
    try draft.write(event.line)
    try spool.failures.sync(draft)
    return draft
  }

  /// `new/`, its sync, then `ids/`, and in no other order: a power cut after ids/ knew the event
  /// and before new/ did would lose it, for the repeated delivery would be a duplicate.
  private func linkDurably(
    _ draft: borrowing DraftFile, _ event: Event, _ watch: SyncFailures.Watch
  ) throws(SpoolError) {
    let name = event.fileName
    var isOurs = try linkIntoNew(draft, event, as: name)
    // A name in a folder that was moved away would be a promise to nobody.
    let isMoved = !new.isInPlace
    if isMoved {
      let (moved, wasOurs) = (new, isOurs)
      // In this order: a file without any name left cannot be linked again.
      defer { if wasOurs { try? moved.remove(name) } }
      new = try spool.openNew()
      isOurs = try linkIntoNew(draft, event, as: name)
    }
    do throws(SpoolError) {
      if isMoved { try spool.requireInPlace(new) }
      if spool.needsSyncAfterLink { try spool.failures.sync(draft) }
      try spool.failures.sync(new)
      try watch.check()  // for what ids/ knows is never taken back
      lastHour = try linkIntoIds(draft, event)
    } catch {
      // Nothing was promised, so nothing stays; best effort, for the disk may be what fails.
      if isOurs { try? new.remove(name) }
      throw error
    }
  }

  /// A consumer may have handled and removed the file by now, and a file without any name left cannot
  /// be linked: a copy then stands in `ids/`. Without it, the repeated delivery would be handled again.
  private func linkIntoIds(
    _ draft: borrowing DraftFile, _ event: Event
  ) throws(SpoolError) -> HourFolder {
    let name = event.id.hex
    do throws(SpoolError) {
      return try spool.hours.link(draft, as: name, in: hourFolder(of: event))
    } catch  where error.errno == ENOENT {
      let copy = try durableDraft(of: event)
      let hour = try spool.hours.link(copy, as: name, in: hourFolder(of: event))
      if spool.needsSyncAfterLink { try spool.failures.sync(copy) }
      return hour
    }
  }

  /// If `new/` has vanished and was made again, it is opened again, once.
  /// - Returns: false if the event is there already: an earlier try died before its next step.
  private func linkIntoNew(
    _ draft: borrowing DraftFile, _ event: Event, as name: String
  ) throws(SpoolError) -> Bool {
    do throws(SpoolError) {
      if try new.link(draft, as: name) { return true }
    } catch  where error.errno == ENOENT {
      new = try spool.openNew()
      if try new.link(draft, as: name) { return true }
    }
    if try holdsWhole(event, name) { return false }
    // Whatever else lies there was promised to nobody.
    try new.removeIfThere(name)
    guard try new.link(draft, as: name) else {
      throw SpoolError(.nameIsTaken, new.child(name), of: .event)
    }
    return true
  }

  /// Whether the plain file `name` in `new/` is this event, to its last byte.
  private func holdsWhole(_ event: Event, _ name: String) throws(SpoolError) -> Bool {
    // It may be empty after a power cut there, now or later.
    guard !spool.needsSyncAfterLink, let status = try new.status(of: name),
      status.st_mode & S_IFMT == S_IFREG,
      (1...SpoolLayout.maximumEventBytes).contains(Int(status.st_size))
    else { return false }
    let line = try new.contents(of: name, maxBytes: SpoolLayout.maximumEventBytes)
    guard line.last == UInt8(ascii: "\n"), let stored = StoredEvent(line: line) else {
      return false
    }
    return stored[.id] == event.id.hex && stored[.jws].utf8.elementsEqual(event.jws)
  }
}
