internal import Glibc
package import LinuxSystem
internal import Synchronization

/// Takes an event for oneself: its lock, and then its place in `cur`.
extension EventConsumer {
  /// Claims an event that lies in `new`, `defer` or, left there by a consumer that died, `cur`; or
  /// one that was given up, which stays in `dead`.
  /// - Returns: nil if it is not there any more, or somebody else has it.
  package func claim(_ name: String, in state: EventState) throws(SpoolError) -> ClaimedEvent? {
    // A handler that writes its file anew leaves one there that nobody holds.
    guard ![.cur, .dead].contains(state) || inHand.withLock({ $0[name] == nil }),
      case .mine(let file) = try hold(name, in: state)
    else { return nil }
    if state == .dead { return try claimDead(name, file) }
    // What is new has no record.
    let record = state == .new ? nil : try record(of: name, in: .defer)
    let claimed = ClaimedEvent(
      consumer: self, fileName: name, path: "\(path(of: .cur))/\(name)", record: record,
      // An event found in cur/ goes back to where it can have come from.
      origin: state == .cur ? (record == nil ? .new : .defer) : state, wasInHand: state == .cur,
      file: file)
    if state == .cur { return claimed }
    do throws(SpoolError) {
      guard try move(name, from: state, to: .cur) else { return nil }
    } catch  where error.errno == ENOENT {
      return nil
    }
    do throws(SpoolError) {
      // A publisher may have put another file in its place before the move: the next look finds that.
      return try isSame(claimed.file, as: name, in: folder(.cur)) ? claimed : nil
    } catch {
      try? claimed.release()
      throw error
    }
  }

  private func claimDead(
    _ name: String, _ file: consuming FileDescriptor
  ) throws(SpoolError) -> ClaimedEvent {
    let path = "\(path(of: .dead))/\(name)"
    // It could not be recorded that somebody was told.
    guard AttemptRecord.hasRoom(for: name) else {
      throw SpoolError(.call(.open, errno: ENAMETOOLONG), path, of: .event)
    }
    return ClaimedEvent(
      consumer: self, fileName: name, path: path, record: try record(of: name, in: .dead),
      origin: .dead, wasInHand: false, file: file)
  }

  /// - Parameter isInHand: whether this process handles it.
  func mark(_ name: String, isInHand: Bool) {
    inHand.withLock { claims in
      let count = claims[name, default: 0] + (isInHand ? 1 : -1)
      claims[name] = count > 0 ? count : nil
    }
  }

  /// What came of trying to take an event's lock.
  package enum Hold: ~Copyable {
    /// It is ours as long as the descriptor is open.
    case mine(FileDescriptor)
    case somebodyElses
    /// No event lies there.
    case gone
  }

  /// Opens and locks the event where it lies.
  package func hold(_ name: String, in state: EventState) throws(SpoolError) -> Hold {
    try hold(name, in: folder(state))
  }

  private func hold(_ name: String, in folder: Directory) throws(SpoolError) -> Hold {
    do throws(SpoolError) {
      let file = try folder.open(name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, on: .event)
      let raw = file.raw
      guard flock(raw, LOCK_EX | LOCK_NB) == 0 else {
        guard errno != EWOULDBLOCK else { return .somebodyElses }
        throw SpoolError(.call(.flock, errno: errno), folder.child(name), of: .event)
      }
      // Between open and lock it may have been handled and moved by another.
      guard try isSame(file, as: name, in: folder) else { return .gone }
      return .mine(file)
    } catch  where error.errno == ENOENT {
      return .gone
    } catch  where error.errno == ELOOP || error.errno == ENXIO {
      throw SpoolError(.noPlainFile, folder.child(name), of: .event)
    }
  }

  /// Whether the file `name` is the open one.
  /// - Throws: `noPlainFile` if it is no plain file.
  func isSame(
    _ file: borrowing FileDescriptor, as name: String, in folder: Directory
  ) throws(SpoolError) -> Bool {
    let raw = file.raw
    var status = stat()
    try calling(.fstat, folder.child(name), on: .event) { fstat(raw, &status) }
    guard let there = try folder.status(of: name), there.st_ino == status.st_ino,
      there.st_dev == status.st_dev
    else { return false }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw SpoolError(.noPlainFile, folder.child(name), of: .event)
    }
    return true
  }
}
