internal import ArgumentParser
internal import CommandLineProgram
internal import EventSpool
internal import Glibc
internal import ServiceProcess
internal import StrictJSON
internal import WebhookCore

/// `delve-webhook spool gaps`
struct SpoolGapsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gaps", abstract: "List the hours without a delivery, and the ids that came.",
    discussion: """
      Use this after an outage: compare its ids with those that the API knows. For each instance \
      and hook, it prints one row for each hour with deliveries, with the sender's ids in them, \
      and one row for the hours between, which had none. An hour without a delivery may be an hour \
      in which nothing happened.

      An hour is that of iat, in UTC: the time at which the sender signed. So a late delivery \
      fills the hour that it belongs to. The first hour is the one that --since lies in; the last \
      one is not over yet.

      The spool remembers each event for \(Freshness.memorySeconds / 86_400) days, and older ones \
      for as long as they lie in new, cur, defer, dead or done. Refused deliveries are not listed.

      Exit code 0: listed; 66: the spool cannot be read.
      """)

  @OptionGroup var options: SpoolOptions

  @Option(
    help: ArgumentHelp(
      "From when on, as in 36h, 2026-11-26 or 2026-11-26T18:00:00Z.", valueName: "time"))
  var since: Moment

  @Flag(help: "One JSON object a line, for each instance and hook.")
  var json = false

  func run() throws {
    try reportingErrors {
      let now = Timestamp.now()
      let first = hour(of: max(0, since.seconds(now: now.seconds)))
      let last = hour(of: now.seconds)
      guard first <= last else { throw CommandError.usage("--since lies in the future") }
      let reader = try options.reader()
      let instances = try options.instances(in: reader).filter(reader.isInstance)
      let found = try known(by: reader, of: instances, in: first...last)
      for instance in instances {
        for hook in Hook?.all {
          let hours = found[Key(instance: instance, hook: hook)]
          // Other kinds are not the vendor's today.
          guard hook != nil || hours != nil else { continue }
          let gaps = Gaps(
            instance: instance, hook: hook, hours: hours ?? DeliveryHours(), range: first...last)
          if json { printJSON(gaps.json) } else { gaps.printTable() }
        }
      }
      warnOfForgotten(first, now)
    }
  }

  private struct Key: Hashable {
    let instance: InstanceName
    let hook: Hook?
  }

  private func known(
    by reader: SpoolReader, of instances: [InstanceName], in range: ClosedRange<Int64>
  ) throws -> [Key: DeliveryHours] {
    let bar = try ProgressBar(
      total: try instances.reduce(0) { try $0 + reader.countRemembered(of: $1, in: range) })
    defer { bar.finish() }
    var found: [Key: DeliveryHours] = [:]
    for instance in instances {
      try reader.forEachKnownEvent(of: instance, in: range, step: bar.advance) { event in
        found[Key(instance: instance, hook: event.hook), default: DeliveryHours()].add(event)
      }
    }
    return found
  }

  private func warnOfForgotten(_ first: Int64, _ now: Timestamp) {
    let remembered = hour(of: now.seconds - Freshness.memorySeconds)
    guard first < remembered else { return }
    printError(
      "\(programName): before \(inUTC(remembered)), only events that still lie in the spool are known"
    )
  }

  private func hour(of seconds: Int64) -> Int64 {
    seconds - seconds % DeliveryHours.secondsPerHour
  }
}

private struct Gaps {
  let instance: InstanceName
  let hook: Hook?
  let hours: DeliveryHours
  let range: ClosedRange<Int64>

  private static let columns = ["FROM, UTC", "HOURS", "EVENTS", "IDS"]

  private var allHours: Int64 {
    (range.upperBound - range.lowerBound) / DeliveryHours.secondsPerHour + 1
  }

  private var emptyHours: Int64 { allHours - Int64(hours.busyHours) }

  func printTable() {
    printResult(
      "\(instance), \(hook.kindName): \(eventCount(hours.deliveries)); "
        + "\(emptyHours) of \(allHours) \(allHours == 1 ? "hour" : "hours") without one")
    let periods = hours.periods(in: range)
    var table = WrappedTable(columns: Self.columns)
    for period in periods { table.measure(row(period)) }
    table.printHead()
    for period in periods {
      table.print(
        row(period), words: period.ids.map { printable(String(decoding: $0, as: UTF8.self)) })
    }
    table.flush()
    printResult("")
  }

  private func row(_ period: DeliveryHours.Period) -> [String] {
    [inUTC(period.start), "\(period.hours)", period.deliveries == 0 ? "-" : "\(period.deliveries)"]
  }

  var json: JSONObject {
    [
      "instance": .string("\(instance)"), "hook": .string(hook.kindName),
      "since": .string(CalendarDate(secondsSince1970: range.lowerBound).rfc3339),
      "until": .string(
        CalendarDate(secondsSince1970: range.upperBound + DeliveryHours.secondsPerHour).rfc3339),
      "events": .number(hours.deliveries), "hours": .number(allHours),
      "emptyhours": .number(emptyHours),
      "periods": .array(
        hours.periods(in: range).map { period in
          .object([
            "start": .string(CalendarDate(secondsSince1970: period.start).rfc3339),
            "end": .string(CalendarDate(secondsSince1970: period.end).rfc3339),
            "hours": .number(period.hours), "events": .number(period.deliveries),
            "ids": .array(period.ids.map { .string($0) }),
          ])
        }),
    ]
  }
}

/// `2026-11-26 18:00`
private func inUTC(_ seconds: Int64) -> String {
  let text = CalendarDate(secondsSince1970: seconds).rfc3339
  return "\(text.prefix(10)) \(text.dropFirst(11).prefix(5))"
}

/// Rows whose last column is words, as many lines of them as are needed.
private struct WrappedTable {
  /// A terminal that is narrower shows each row on two of its lines.
  private static let leastWords = 16

  private let columns: [String]
  private var widths: [Int]
  private var output = OutputBuffer()

  init(columns: [String]) {
    self.columns = columns
    widths = columns.dropLast().map(\.utf8.count)
  }

  mutating func measure(_ row: [String]) {
    for (index, cell) in row.enumerated() { widths[index] = max(widths[index], cell.utf8.count) }
  }

  mutating func printHead() { print(Array(columns.dropLast()), words: columns.suffix(1)) }

  /// - Parameter words: ASCII.
  mutating func print(_ row: [String], words: [String]) {
    let start = zip(row, widths).map { cell, width in
      cell + String(repeating: " ", count: width - cell.utf8.count + 2)
    }.joined()
    let indent = start.utf8.count
    let room = max((terminalColumns(STDOUT_FILENO) ?? defaultColumns) - indent, Self.leastWords)
    var line = start
    var used = 0
    for word in words {
      if used > 0, used + 1 + word.utf8.count > room {
        append(line)
        (line, used) = (String(repeating: " ", count: indent), 0)
      }
      line += (used > 0 ? " " : "") + word
      used += (used > 0 ? 1 : 0) + word.utf8.count
    }
    append(line)
  }

  private mutating func append(_ line: String) {
    var bytes = Array(line.utf8)
    while bytes.last == UInt8(ascii: " ") { bytes.removeLast() }
    output.append(bytes + [UInt8(ascii: "\n")])
  }

  mutating func flush() { output.flush() }
}
