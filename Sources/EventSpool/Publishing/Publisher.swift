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

  package init(of spool: InstanceSpool) throws(SpoolFailure) {
    self.spool = spool
    lock = try translatingErrors { () throws(SystemError) in try EventLock(in: spool.root) }
    new = try translatingErrors { () throws(SystemError) in try spool.openNew() }
  }

  /// Makes `event` durable and visible to consumers, or finds that it already is. When this
  /// returns, the event survives a power cut.
  /// - Parameter minimumFreeBytes: below it nothing is stored; duplicates are found all the same.
  /// - Throws: nothing was promised; nothing stays in the spool unless the event was linked into
  ///   `ids/`, and then a repeated delivery finds it.
  package func publish(
    _ event: Event, minimumFreeBytes: Int
  ) throws(SpoolFailure) -> Publication {
    let watch = try spool.failures.watch()  // throws while the spool is closed by a failed sync
    if try contains(event) { return .duplicate }  // a name in ids/ means: whole, and on the disk
    try spool.requireSpace(minimumFreeBytes: minimumFreeBytes)
    let draft = try durableDraft(of: event)
    let publication = try lock.whileHeld(for: event.id) { () throws(SpoolFailure) in
      if try contains(event) { return Publication.duplicate }
      try linkDurably(draft, event, watch)
      return .stored
    }
    try watch.check()  // another thread's failed sync may have swallowed the error of ours
    return publication
  }

  private func contains(_ event: Event) throws(SpoolFailure) -> Bool {
    try translatingErrors { () throws(SystemError) in
      try hourFolder(of: event).directory.contains(event.id.hex)
    }
  }

  private func hourFolder(of event: Event) throws(SystemError) -> HourFolder {
    if let lastHour, lastHour.hour == event.issuedHour { return lastHour }
    let folder = try spool.hours.folder(event.issuedHour)
    lastHour = folder
    return folder
  }

  private func durableDraft(of event: Event) throws(SpoolFailure) -> UnnamedFile {
    try translatingErrors { () throws(SystemError) in
      let draft = try spool.root.unnamedFile()
      try draft.write(event.line)
      try spool.failures.recording { () throws(SystemError) in try draft.sync() }
      return draft
    }
  }

  /// `new/`, its sync, then `ids/`, and in no other order: a power cut after ids/ knew the event
  /// and before new/ did would lose it, for the repeated delivery would be a duplicate.
  private func linkDurably(
    _ draft: borrowing UnnamedFile, _ event: Event, _ watch: SyncFailures.Watch
  ) throws(SpoolFailure) {
    let name = event.fileName.description
    // There already: an earlier try died before its next step. Its file is as whole as ours.
    let isOurs = try linkIntoNew(draft, as: name)
    do throws(SpoolFailure) {
      try translatingErrors { () throws(SystemError) in
        if spool.needsSyncAfterLink {
          try spool.failures.recording { () throws(SystemError) in try draft.sync() }
        }
        try spool.failures.recording { () throws(SystemError) in try new.sync() }
      }
      try watch.check()  // for what ids/ knows is never taken back
      try translatingErrors { () throws(SystemError) in
        lastHour = try spool.hours.link(draft, as: event.id.hex, in: hourFolder(of: event))
      }
    } catch {
      // Nothing was promised, so nothing stays; best effort, for the disk may be what fails.
      if isOurs { try? new.remove(name) }
      throw error
    }
  }

  /// If `new/` has vanished and was made again, it is opened again, once.
  /// - Returns: false if the name is there already.
  private func linkIntoNew(
    _ draft: borrowing UnnamedFile, as name: String
  ) throws(SpoolFailure) -> Bool {
    do throws(SystemError) {
      do throws(SystemError) {
        if try new.link(draft, as: name) { return true }
        guard spool.needsSyncAfterLink else { return false }
        // There, an earlier try's file may be empty; nobody was promised it.
        try new.remove(name)
        return try new.link(draft, as: name)
      } catch  where error.errno == ENOENT {
        new = try spool.openNew()
        return try new.link(draft, as: name)
      }
    } catch {
      throw .call(error)
    }
  }
}
