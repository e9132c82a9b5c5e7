internal import Glibc
internal import LinuxSystem
package import WebhookCore

/// Refused requests that are kept for somebody to look at: each a file in the folder `refused/` of
/// its instance, or in `_refused/` beside the instances if the web server's configuration named none.
/// No event depends on them: nothing here is synced.
package struct RefusedRequests: Sendable {
  /// A token in a file may be valid for some time, and the file may hold other secrets of the sender.
  private static let mode: mode_t = 0o600
  /// Older ones are removed.
  package static let secondsKept: Int64 = 7 * 86_400

  /// A longer one is not read.
  package static let maximumBytes = SpoolLayout.maximumRefusedBytes

  private let spool: String

  package init(inSpool path: String) {
    spool = path
  }

  // MARK: Keeping

  /// Keeps a request, unless another of its code word and second is there, and removes what is too
  /// much or too old beside it.
  /// - Parameters:
  ///   - newest: how many are kept with the code word of this one, at least one.
  ///   - minimumFreeBytes: below it nothing is kept.
  package func keep(
    _ bytes: [UInt8], as name: RefusedRequestName, newest: Int, minimumFreeBytes: Int,
    now: Timestamp
  ) throws(SpoolError) {
    let parent = try parent(of: name.instance)
    try parent.requireSpace(minimumFreeBytes: minimumFreeBytes)
    let folderName = Self.folderName(name.instance)
    let folder =
      try parent.contains(folderName)
      ? parent.ownDirectory(folderName) : parent.directory(makingIfMissing: folderName)
    // Another process may just have kept one.
    let isFirst = try !names(of: name.instance, in: folder, now: now).contains {
      $0.codeWord == name.codeWord && $0.seconds == name.seconds
    }
    guard isFirst else { return }
    let file = try folder.draftFile(mode: Self.mode)
    try file.write(bytes)
    _ = try folder.link(file, as: name.fileName)
    try removeSome(of: name.instance, in: folder, now: now, newest: [name.codeWord: newest])
  }

  /// Removes those that are too old, of all instances.
  /// - Throws: why the first of the others could not be removed.
  package func removeOld(now: Timestamp) throws(SpoolError) {
    var failure: SpoolError?
    for instance in try SpoolReader(path: spool).instances().map(Optional.init) + [nil] {
      do throws(SpoolError) {
        guard let folder = try existingFolder(of: instance) else { continue }
        try removeSome(of: instance, in: folder, now: now, newest: [:])
      } catch {
        failure = failure ?? error
      }
    }
    if let failure { throw failure }
  }

  private func removeSome(
    of instance: InstanceName?, in folder: Directory, now: Timestamp, newest: [String: Int]
  ) throws(SpoolError) {
    var left = newest
    for name in try names(of: instance, in: folder, now: now) {
      let isTooMuch = left[name.codeWord].map { $0 <= 0 } ?? false
      left[name.codeWord]? -= 1
      if isTooMuch || abs(now.seconds - name.seconds) > Self.secondsKept {
        try folder.removeIfThere(name.fileName)
      }
    }
  }

  // MARK: Looking

  /// Those that are kept of these instances, the newest first.
  /// - Parameter codeWord: nil: any.
  package func newestFirst(
    of instances: [InstanceName?], codeWord: String?, now: Timestamp
  ) throws(SpoolError) -> [RefusedRequestName] {
    var all: [RefusedRequestName] = []
    for instance in instances {
      guard let folder = try existingFolder(of: instance) else { continue }
      all += try names(of: instance, in: folder, now: now).filter {
        codeWord == nil || $0.codeWord == codeWord
      }
    }
    return all.sorted { isNewer($0, $1, now) }
  }

  /// - Throws: with ENOENT if it is gone.
  package func contents(of name: RefusedRequestName) throws(SpoolError) -> [UInt8] {
    try parent(of: name.instance).ownDirectory(Self.folderName(name.instance))
      .contents(of: name.fileName, maxBytes: Self.maximumBytes)
  }

  // MARK: Folders

  /// No instance can be called so.
  private static func folderName(_ instance: InstanceName?) -> String {
    instance == nil ? "_\(SpoolLayout.refused)" : SpoolLayout.refused
  }

  /// Where it is, relative to the spool.
  package static func path(of name: RefusedRequestName) -> String {
    (name.instance.map { "\($0)/" } ?? "") + "\(folderName(name.instance))/\(name.fileName)"
  }

  private func parent(of instance: InstanceName?) throws(SpoolError) -> Directory {
    let top = try Directory(path: spool)
    guard let instance else { return top }
    return try top.directory(instance.description)
  }

  private func existingFolder(of instance: InstanceName?) throws(SpoolError) -> Directory? {
    do throws(SpoolError) {
      return try parent(of: instance).ownDirectory(Self.folderName(instance))
    } catch  where error.errno == ENOENT {
      return nil
    }
  }

  /// The newest first. Other files are passed over.
  private func names(
    of instance: InstanceName?, in folder: Directory, now: Timestamp
  ) throws(SpoolError) -> [RefusedRequestName] {
    try folder.names().compactMap { RefusedRequestName(parsing: $0, of: instance) }
      .sorted { isNewer($0, $1, now) }
  }
}

/// A name of the future, which a clock that was ahead has given, counts as the oldest. Else it would
/// stay, and new requests would go.
private func isNewer(
  _ one: RefusedRequestName, _ other: RefusedRequestName, _ now: Timestamp
) -> Bool {
  let areAhead = (one.seconds > now.seconds, other.seconds > now.seconds)
  return areAhead.0 == areAhead.1 ? one.fileName > other.fileName : areAhead.1
}

extension Directory {
  /// As `directory`, but a link is not followed: what lies behind it is somebody else's.
  fileprivate func ownDirectory(_ name: String) throws(SpoolError) -> Directory {
    guard let status = try status(of: name), status.st_mode & S_IFMT != S_IFDIR else {
      return try directory(name)
    }
    let isLink = status.st_mode & S_IFMT == S_IFLNK
    throw SpoolError(.call(.open, errno: isLink ? ELOOP : ENOTDIR), child(name))
  }
}

/// What the file of a kept request is called: `<time>-<code word>-<four digits>.http`.
package struct RefusedRequestName: Equatable, Sendable {
  /// Nil if the web server's configuration named none.
  package let instance: InstanceName?
  package let fileName: String
  package let codeWord: String
  /// Since 1970: when it was refused.
  package let seconds: Int64

  private static let suffix = ".http"

  /// - Parameter number: tells those of one second apart.
  package init(
    instance: InstanceName?, _ reason: Refusal.Reason, at time: Timestamp, number: UInt16
  ) {
    self.instance = instance
    codeWord = reason.codeWord
    seconds = time.seconds
    let digits = String(number, radix: 16)
    let padded = String(repeating: "0", count: 4 - digits.count) + digits
    let basic = CalendarDate(secondsSince1970: time.seconds).basic
    fileName = "\(basic)-\(codeWord)-\(padded)\(Self.suffix)"
  }

  /// Nil if no kept request has this name.
  init?(parsing name: String, of instance: InstanceName?) {
    guard name.hasSuffix(Self.suffix) else { return nil }
    let parts = name.dropLast(Self.suffix.count).split(
      separator: "-", omittingEmptySubsequences: false)
    guard parts.count >= 3, let seconds = CalendarDate.seconds(atBasicTime: String(parts[0])),
      let digits = parts.last, digits.utf8.count == 4,
      digits.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) })
    else { return nil }
    // Also one that only another version knows.
    let words = parts.dropFirst().dropLast()
    let areWords = words.allSatisfy { word in
      !word.isEmpty && word.utf8.allSatisfy { (0x61...0x7A).contains($0) }
    }
    guard areWords else { return nil }
    self.instance = instance
    fileName = name
    codeWord = words.joined(separator: "-")
    self.seconds = seconds
  }
}

/// The fields of our own in a kept request.
package enum KeptField: String, Sendable {
  case time = "Delve-Webhook-Time"
  case code = "Delve-Webhook-Code"
  case instance = "Delve-Webhook-Instance"
  case hook = "Delve-Webhook-Hook"
  /// Which parameter of the web server's configuration is wrong, and how.
  case problem = "Delve-Webhook-Problem"
  case remote = "Delve-Webhook-Remote"
}
