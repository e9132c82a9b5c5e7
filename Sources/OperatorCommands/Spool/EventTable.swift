internal import CommandLineProgram
internal import EventSpool
internal import WebhookCore

/// Events for people, a row each: what it is, how old, and why and until when it waits. Long cells
/// are cut in the middle, so that a row fits 80 columns, but for the last one, which takes the rest.
struct EventTable {
  private let reader: SpoolReader
  private let now: Timestamp
  /// With only one instance, its name says nothing.
  private let hasInstances: Bool
  private var clock = IssueClock()

  init(of reader: SpoolReader, hasInstances: Bool, now: Timestamp) {
    (self.reader, self.hasInstances, self.now) = (reader, hasInstances, now)
  }

  mutating func print(_ listing: SpoolListing) {
    var table = Table(
      columns: row("STATE", "INSTANCE", "FILE ID", "EVENT", "ID", "AGE", "NEXT IN", "WHY"))
    // Cells that are not measured are no wider than this.
    let measured = [Array("119 min".utf8), Array("119 min".utf8), []]
    listing.forEach { name, place in table.measure(cells(name, place) + measured) }
    table.printHead()
    listing.forEach { name, place in
      let age = [clock.seconds(of: name).map(age) ?? unknown]
      table.print(cells(name, place) + age + handling(of: name, in: place))
    }
    table.flush()
  }

  private func row<Cell>(_ state: Cell, _ instance: Cell, _ rest: Cell...) -> [Cell] {
    [state] + (hasInstances ? [instance] : []) + rest
  }

  /// What the name and its folder say.
  private func cells(_ name: UnsafeRawBufferPointer, _ place: SpoolPlace) -> [[UInt8]] {
    let parts = EventFileName.Parts(of: name)
    func part(_ range: Range<Int>?) -> [UInt8] { range.map { shown(name, $0) } ?? unknown }
    let event = parts.map { shown(name, $0.kind) + [slash] + shown(name, $0.status) } ?? unknown
    return row(
      Array(place.state.rawValue.utf8),
      cutInTheMiddle(Array(place.instance.description.utf8), to: 10),
      cutInTheMiddle(part(parts?.idPrefix ?? 0..<name.count), to: 12),
      cutInTheMiddle(event, to: 11), cutInTheMiddle(part(parts?.claimID), to: WantedClaimID.width))
  }

  private func age(_ issued: Int64) -> [UInt8] {
    Array(Age(seconds: max(0, now.seconds - issued)).short.utf8)
  }

  /// When it is tried next, and why it was not handled yet. Only a record says so; there is none of
  /// what is new or done.
  private func handling(of name: UnsafeRawBufferPointer, in place: SpoolPlace) -> [[UInt8]] {
    guard let record = reader.record(of: name, in: place) else { return [none, none] }
    let next = record.nextAttempt.map { next in
      record.isDue(now)
        ? Array("now".utf8) : Array(Age(seconds: next.seconds - now.seconds).short.utf8)
    }
    return [next ?? none, Array(record.summary.utf8)]
  }
}

private let unknown = [UInt8(ascii: "?")]
private let none = [UInt8(ascii: "-")]
private let slash = UInt8(ascii: "/")

extension AttemptRecord {
  /// Why the last attempt failed, on one line that is fit for a terminal: of what was said, the last
  /// line that says something.
  fileprivate var summary: String {
    let last = output.split(whereSeparator: \.isNewline).last { !$0.allSatisfy(\.isWhitespace) }
    return printable([how, last.map(String.init)].compactMap { $0 }.joined(separator: ": "))
  }
}
