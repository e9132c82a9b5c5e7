/// How many of some times lie below each bound, and their sum.
package struct Histogram: Sendable, Equatable {
  /// In microseconds: from what a refusal takes to what a request may take.
  package static let bounds: [Int64] = [
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000,
    1_000_000, 2_500_000, 5_000_000, 10_000_000,
  ]

  /// By the first bound that is not exceeded; the last number has those above all bounds.
  package private(set) var counts = [Int](repeating: 0, count: bounds.count + 1)
  /// The sum of the times.
  package private(set) var microseconds: Int64 = 0

  package init() {}

  package var count: Int { counts.reduce(0, +) }

  package mutating func add(microseconds time: Int64) {
    counts[Self.bounds.firstIndex { time <= $0 } ?? Self.bounds.count] += 1
    microseconds += time
  }

  package mutating func add(_ other: Histogram) {
    for index in counts.indices { counts[index] += other.counts[index] }
    microseconds += other.microseconds
  }
}
