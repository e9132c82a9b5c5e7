internal import Glibc
internal import WebhookCore

/// Names of event files, each with the number of the folder that it was found in, packed into some
/// 90 bytes a name; or only the oldest or the newest of those that are offered, for the names begin
/// with the time. For one thread.
package final class NameList {
  /// Which names are kept if not all are.
  package enum Kept: Sendable {
    case oldest, newest
  }

  /// A name, valid as long as its list.
  package struct Name {
    fileprivate let start: UnsafeRawPointer
    fileprivate let count: UInt32
    /// The number that it was offered with.
    package let folder: UInt32

    package var bytes: UnsafeRawBufferPointer {
      UnsafeRawBufferPointer(start: start, count: Int(count))
    }

    package var text: String { String(decoding: bytes, as: UTF8.self) }
  }

  private let limit: Int
  private let kept: Kept
  private var storage = NameStorage()
  private var names: [Name] = []
  /// The last that is kept: a name behind it is not.
  private var bound: Name?
  /// Whether one that was offered is not kept.
  package private(set) var isCut = false

  /// - Parameter limit: how many are kept.
  package init(limit: Int = .max, keeping kept: Kept = .oldest) {
    (self.limit, self.kept) = (limit, kept)
  }

  package var count: Int { names.count }

  /// Whether the name can be among those that are kept, by what has been offered so far.
  package func mayKeep(_ name: UnsafeRawBufferPointer) -> Bool {
    guard let bound else { return true }
    return switch kept {
    case .oldest: precedes(name, bound.bytes)
    case .newest: precedes(bound.bytes, name)
    }
  }

  /// - Parameter name: 65,535 bytes at most; a file's has 255.
  package func offer(_ name: UnsafeRawBufferPointer, in folder: Int) {
    guard mayKeep(name) else {
      isCut = true
      return
    }
    names.append(
      Name(start: storage.copy(name), count: UInt32(name.count), folder: UInt32(folder)))
    if limit <= .max / 2, names.count >= max(2 * limit, 64) { cut() }
  }

  /// In their order, which is that of the bytes; names that are equal in the order of their folders.
  package func sorted() -> [Name] {
    cut()
    return kept == .oldest ? names : names.reversed()
  }

  private func cut() {
    switch kept {
    case .oldest: names.sort(by: isBefore)
    case .newest: names.sort { isBefore($1, $0) }
    }
    guard names.count >= limit else { return }
    bound = names.last
    guard names.count > limit else { return }
    isCut = true
    // What is not kept takes no memory.
    let old = storage
    storage = NameStorage()
    names = names.prefix(limit).map {
      Name(start: storage.copy($0.bytes), count: $0.count, folder: $0.folder)
    }
    bound = names.last
    withExtendedLifetime(old) {}
  }

  private func isBefore(_ one: Name, _ other: Name) -> Bool {
    let order = memcmp(one.start, other.start, Int(min(one.count, other.count)))
    if order != 0 { return order < 0 }
    return (one.count, one.folder) < (other.count, other.folder)
  }
}

/// Where the bytes of names lie. They stay where they are as long as this does.
private final class NameStorage {
  private static let blockBytes = 1 << 20

  private var blocks: [UnsafeMutableRawPointer] = []
  /// How much of the last block is taken.
  private var used = NameStorage.blockBytes

  deinit {
    for block in blocks { block.deallocate() }
  }

  func copy(_ name: UnsafeRawBufferPointer) -> UnsafeRawPointer {
    if used + name.count > Self.blockBytes {
      blocks.append(.allocate(byteCount: Self.blockBytes, alignment: 1))
      used = 0
    }
    let start = blocks[blocks.count - 1] + used
    // An empty name may have no address.
    if let bytes = name.baseAddress { start.copyMemory(from: bytes, byteCount: name.count) }
    used += name.count
    return UnsafeRawPointer(start)
  }
}

/// Whether a file of this name is taken for an event.
package func isEventsName(_ name: UnsafeRawBufferPointer) -> Bool {
  isEventsName(name.assumingMemoryBound(to: UInt8.self).span)
}

extension EventFileName.Parts {
  /// Nil if `name` is no event's.
  package init?(of name: UnsafeRawBufferPointer) {
    self.init(of: name.assumingMemoryBound(to: UInt8.self).span)
  }
}

/// Whether `one` comes before `other`, byte by byte.
package func precedes(_ one: UnsafeRawBufferPointer, _ other: UnsafeRawBufferPointer) -> Bool {
  // An empty buffer may have no address.
  guard let first = one.baseAddress, let second = other.baseAddress else {
    return one.count < other.count
  }
  let order = memcmp(first, second, min(one.count, other.count))
  return order == 0 ? one.count < other.count : order < 0
}

/// Whether the name begins with a time, as an event file's does: `YYYYMMDDThhmmssZ-`, and no month,
/// day, hour, minute or second that no calendar has.
func beginsWithTime(_ name: UnsafeRawBufferPointer) -> Bool {
  guard name.count > 16, name[8] == UInt8(ascii: "T"), name[15] == UInt8(ascii: "Z"),
    name[16] == UInt8(ascii: "-")
  else { return false }
  func isNumber(_ start: Int, _ range: ClosedRange<Int>) -> Bool {
    let digits = (Int(name[start]) - 0x30, Int(name[start + 1]) - 0x30)
    return (0...9).contains(digits.0) && (0...9).contains(digits.1)
      && range.contains(digits.0 * 10 + digits.1)
  }
  return isNumber(0, 0...99) && isNumber(2, 0...99) && isNumber(4, 1...12) && isNumber(6, 1...31)
    && isNumber(9, 0...23) && isNumber(11, 0...59) && isNumber(13, 0...59)
}

extension Directory {
  /// Calls `body` with the name of every event's file, in no order.
  func forEachEventName(_ body: (UnsafeRawBufferPointer) -> Void) throws(SpoolError) {
    try forEachName { name in
      if isEventsName(name) { body(name) }
      return true
    }
  }
}
