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

  package init(of spool: InstanceSpool) throws(SpoolFailure) {
    self.spool = spool
    do throws(SystemError) {
      lock = try EventLock(in: spool.root)
    } catch {
      throw .call(error)
    }
  }

  /// Makes `event` durable and visible to consumers, or finds that it already is. When this
  /// returns, the event survives a power cut.
  /// - Throws: nothing was promised; nothing stays in the spool unless the event was linked into
  ///   `ids/`, and then a repeated delivery finds it.
  package func publish(_ event: Event) throws(SpoolFailure) -> Publication {
    let watch = try spool.failures.watch()  // throws while the spool is closed by a failed sync
    let isPublished = try spool.translatingErrors { () throws(SystemError) in
      try contains(event)
    }
    if isPublished { return .duplicate }  // a name in ids/ means: whole, and on the disk
    try spool.requireSpace()
    let publication = try spool.translatingErrors { () throws(SystemError) in
      let draft = try spool.root.unnamedFile()
      try draft.write(event.line)
      try draft.sync()
      return try lock.whileHeld(for: event.id) { () throws(SystemError) in
        if try contains(event) { return Publication.duplicate }
        try linkDurably(draft, event)
        return .stored
      }
    }
    try watch.check()  // another thread's failed sync may have swallowed the error of ours
    return publication
  }

  private func contains(_ event: Event) throws(SystemError) -> Bool {
    try spool.hours.folder(event.issuedHour).contains(event.id.hex)
  }

  /// `new/`, its sync, then `ids/`, and in no other order: a power cut after ids/ knew the event
  /// and before new/ did would lose it, for the repeated delivery would be a duplicate.
  private func linkDurably(
    _ draft: borrowing UnnamedFile, _ event: Event
  ) throws(SystemError) {
    let name = event.fileName.description
    // There already: an earlier try died before its next step. Its file is as whole as ours.
    let isOurs = try spool.new.link(draft, as: name)
    do throws(SystemError) {
      try spool.new.sync()
      try spool.hours.link(draft, as: event.id.hex, in: event.issuedHour)
    } catch {
      // Nothing was promised, so nothing stays; best effort, for the disk may be what fails.
      if isOurs { try? spool.new.remove(name) }
      throw error
    }
  }
}
