internal import Glibc
internal import WebhookCore

/// The oldest of many names, and no more of them than asked for, however many are offered: event
/// files' names begin with the time.
struct OldestNames {
  private let limit: Int
  private var kept: [[UInt8]] = []
  /// No name from here on is among the oldest.
  private var bound: [UInt8]?

  init(limit: Int) {
    self.limit = limit
  }

  /// Whether it can be among the oldest, by what has been taken so far.
  func mayTake(_ name: UnsafeRawBufferPointer) -> Bool {
    bound.map { precedes(name, $0) } ?? true
  }

  mutating func take(_ name: UnsafeRawBufferPointer) {
    kept.append(Array(name))
    if kept.count >= max(2 * limit, 64) { cut() }
  }

  /// In their order.
  consuming func sorted() -> [String] {
    cut()
    return kept.map { String(decoding: $0, as: UTF8.self) }
  }

  private mutating func cut() {
    kept.sort { one, other in one.withUnsafeBytes { precedes($0, other) } }
    kept.removeLast(max(0, kept.count - limit))
    if kept.count == limit { bound = kept.last ?? [] }
  }
}

/// Whether `one` comes before `other`, byte by byte.
func precedes(_ one: UnsafeRawBufferPointer, _ other: [UInt8]) -> Bool {
  other.withUnsafeBytes { other in
    let common = min(one.count, other.count)
    // An empty buffer may have no address.
    guard common > 0, let first = one.baseAddress, let second = other.baseAddress else {
      return one.count < other.count
    }
    let order = memcmp(first, second, common)
    return order == 0 ? one.count < other.count : order < 0
  }
}

extension Directory {
  /// The oldest event files' names that are wanted, in their order, from the name `start` on.
  func oldestEventNames(
    _ limit: Int, from start: String? = nil, where isWanted: (String) -> Bool = { _ in true }
  ) throws(SpoolError) -> [String] {
    let start = start.map { Array($0.utf8) }
    var names = OldestNames(limit: limit)
    try forEachEventName { name in
      if start.map({ !precedes(name, $0) }) ?? true, names.mayTake(name),
        isWanted(String(decoding: name, as: UTF8.self))
      {
        names.take(name)
      }
    }
    return names.sorted()
  }

  /// Calls `body` with the name of every event's file, in no order.
  func forEachEventName(_ body: (UnsafeRawBufferPointer) -> Void) throws(SpoolError) {
    try forEachName { name in
      if EventFileName.marksEvent(name) { body(name) }
      return true
    }
  }
}
