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
  /// - Parameter minimumFreeBytes: below it nothing is stored; duplicates are still found.
  /// - Throws: nothing was promised; nothing stays in the spool unless the event was linked into
  ///   `ids/`, and then a repeated delivery finds it.
  package func publish(
    _ event: Event, minimumFreeBytes: Int
  ) throws(SpoolError) -> Publication {
    let watch = try spool.failures.watch()  // throws while the spool is closed by a failed sync
    if try contains(event) { return .duplicate }  // a name in ids/ means: whole, and on the disk
    try spool.requireSpace(minimumFreeBytes: minimumFreeBytes)
    let draft = try durableDraft(of: event)
    var held = try lock.take(for: event.id)
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
    // There already: an earlier try died before its next step. Its file is as whole as ours.
    let isOurs = try linkIntoNew(draft, as: name)
    do throws(SpoolError) {
      if spool.needsSyncAfterLink { try spool.failures.sync(draft) }
      try spool.failures.sync(new)
      try watch.check()  // for what ids/ knows is never taken back
      lastHour = try spool.hours.link(draft, as: event.id.hex, in: hourFolder(of: event))
    } catch {
      // Nothing was promised, so nothing stays; best effort, for the disk may be what fails.
      if isOurs { try? new.remove(name) }
      throw error
    }
  }

  /// If `new/` has vanished and was made again, it is opened again, once.
  /// - Returns: false if the name is there already.
  private func linkIntoNew(
    _ draft: borrowing DraftFile, as name: String
  ) throws(SpoolError) -> Bool {
    do throws(SpoolError) {
      if try new.link(draft, as: name) { return true }
      guard spool.needsSyncAfterLink else { return false }
      // There, an earlier try's file may be empty; nobody was promised it.
      try new.remove(name)
      return try new.link(draft, as: name)
    } catch  where error.errno == ENOENT {
      new = try spool.openNew()
      return try new.link(draft, as: name)
    }
  }
}
