internal import Glibc
internal import LinuxSystem
internal import Synchronization
package import WebhookCore

/// An event that nobody else handles as long as this object, or a process that got its descriptor,
/// lives: the lock (flock(2)) belongs to the open file. Settle it once: finish it, put it off, give it
/// up or release it; one in `dead` is noted. It is counted once that has succeeded.
package final class ClaimedEvent: Sendable {
  private let consumer: EventConsumer
  package let fileName: String
  /// The file's absolute or relative path, as the spool was named, while it is claimed.
  package let path: String
  /// What has become of it before.
  package let record: AttemptRecord
  /// Where it was, and goes back to if it is not handled after all.
  private let origin: EventState
  /// Whether it was in the hands of a consumer that has died.
  package let wasInHand: Bool
  let file: FileDescriptor
  private let outcomeFlag = Atomic(false)

  /// - Parameter record: nil if there is none.
  init(
    consumer: EventConsumer, fileName: String, path: String, record: AttemptRecord?,
    origin: EventState, wasInHand: Bool, file: consuming FileDescriptor
  ) {
    self.consumer = consumer
    self.fileName = fileName
    self.path = path
    self.record = record ?? AttemptRecord()
    self.origin = origin
    self.wasInHand = wasInHand
    self.file = file
    consumer.mark(fileName, isInHand: true)
  }

  deinit { consumer.mark(fileName, isInHand: false) }

  package var instance: InstanceName { consumer.instance }

  /// Whether it lies in `dead`, and somebody is to be told.
  package var isGivenUp: Bool { origin == .dead }

  /// What has become of telling somebody before.
  package var notice: Notice { record.notice ?? Notice() }

  /// Where it was.
  package var originalPath: String { "\(consumer.path(of: origin))/\(fileName)" }

  /// Makes sure that it can be finished today.
  package func requireToday(now: Timestamp) throws(SpoolError) {
    try consumer.requireToday(now: now)
  }

  /// Lets go of folders that were replaced meanwhile, before a settling is tried again.
  package func reopenFolders() { consumer.reopenFolders() }

  /// To be a handler's standard input: the lock goes with it, and its position is the file's start.
  package var descriptor: Int32 { file.raw }

  /// The file's bytes. The descriptor's position stays.
  package func contents() throws(SpoolError) -> [UInt8] {
    let limit = SpoolLayout.maximumEventBytes
    do throws(SystemError) {
      // A longer file is not an event, and neither is its beginning.
      return try LinuxSystem.contents(of: file.raw, path, maxBytes: limit, keepsPosition: true)
    } catch {
      throw SpoolError(error, of: .event)
    }
  }

  // MARK: Settling

  /// Whether something has become of it, recorded or not: it is not as it was.
  var hasOutcome: Bool { outcomeFlag.load(ordering: .relaxed) }

  private func noteOutcome() { outcomeFlag.store(true, ordering: .relaxed) }

  /// Moves the event to `done`: it was handled. If its handler has moved or removed the file
  /// itself, it was handled, too: a consumer may do with its file what it likes.
  package func finish(now: Timestamp) throws(SpoolError) {
    noteOutcome()
    do throws(SpoolError) {
      try consumer.moveToDone(fileName, from: .cur, now: now)
    } catch {
      try requireTakenAway(error)
    }
    try forgetRecord()
    consumer.settled.countHandled()
  }

  /// Moves the event to `defer`, to be tried again at `record.nextAttempt`. If the record cannot be
  /// written, the event stays where it is.
  package func putOff(_ record: AttemptRecord) throws(SpoolError) {
    noteOutcome()
    try consumer.writeRecord(record, of: fileName, in: .defer)
    do throws(SpoolError) {
      _ = try consumer.move(fileName, from: .cur, to: .defer)
    } catch {
      try requireTakenAway(error)
      try removeRecordUnlessMoved(to: .defer)
    }
    consumer.settled.countPutOff()
  }

  /// Moves the event to `dead`: it is not tried again unless somebody asks for it. If the event's
  /// name leaves no room for a record's, there is none.
  package func giveUp(_ record: AttemptRecord) throws(SpoolError) {
    noteOutcome()
    try moveToDead(record)
  }

  /// The same for a file that holds no event. Nothing has been done with it.
  package func giveUpAsNoEvent(now: Timestamp) throws(SpoolError) {
    var record = record
    record.ending = .noEvent
    record.lastAttempt = now
    try moveToDead(record)
  }

  private func moveToDead(_ record: AttemptRecord) throws(SpoolError) {
    var record = record
    // Nobody was told of this time.
    record.notice = nil
    do throws(SpoolError) {
      try consumer.writeRecord(record, of: fileName, in: .dead)
    } catch  where error.concern == .event {}
    do throws(SpoolError) {
      _ = try consumer.move(fileName, from: .cur, to: .dead)
    } catch {
      try requireTakenAway(error)
      try removeRecordUnlessMoved(to: .dead)
    }
    try forgetRecord()
    consumer.settled.countGivenUp(record)
  }

  /// Records durably what has become of telling somebody that the event was given up. It stays in
  /// `dead`.
  package func note(_ notice: Notice) throws(SpoolError) {
    noteOutcome()
    // Its command may have moved or removed the file, and then there is nothing left to tell.
    if try consumer.folder(.dead).status(of: fileName) != nil {
      try consumer.write(notice, of: fileName)
    }
    notice.isTold ? consumer.settled.countHandled() : consumer.settled.countPutOff()
  }

  /// Moves it back, as if it had never been claimed.
  package func release() throws(SpoolError) {
    if isGivenUp { return }
    do throws(SpoolError) {
      _ = try consumer.move(fileName, from: .cur, to: origin)
    } catch {
      try requireTakenAway(error)
    }
  }

  /// - Throws: `error`, unless it says that the event's handler has taken the file away.
  private func requireTakenAway(_ error: SpoolError) throws(SpoolError) {
    guard error.errno == ENOENT, try consumer.folder(.cur).status(of: fileName) == nil else {
      throw error
    }
  }

  /// An earlier try may have come as far as the move.
  private func removeRecordUnlessMoved(to state: EventState) throws(SpoolError) {
    if try consumer.isSame(file, as: fileName, in: consumer.folder(state)) { return }
    try consumer.removeRecord(of: fileName, in: state)
  }

  /// What was new has none.
  private func forgetRecord() throws(SpoolError) {
    if origin != .new { try consumer.removeRecord(of: fileName, in: .defer) }
  }
}
