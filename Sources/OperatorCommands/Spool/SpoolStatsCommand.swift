internal import ArgumentParser
internal import CommandLineProgram
internal import EventSpool
internal import ServiceProcess
internal import StrictJSON
internal import WebhookCore

/// `delve-webhook spool stats`
struct SpoolStatsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stats",
    abstract: "Count the events in each folder, the oldest one's age, and what is free.",
    discussion: """
      An event's age is counted from its iat, which its file name holds; the rate is that of the last \
      hour's arrivals, handled or not.

      With --warn-age or --critical-age, as for a monitor: exit code 1 or 2 if an event in new, cur \
      or defer is that old, and a line that says so on standard error.
      """)

  @OptionGroup var options: SpoolOptions

  @Flag(help: "One JSON object.")
  var json = false

  @Flag(help: "Text for node_exporter's textfile collector.")
  var prometheus = false

  @Option(help: "Exit with 1 if an event has waited this long, as in 10m.")
  var warnAge: Age?

  @Option(help: "Exit with 2 if an event has waited this long.")
  var criticalAge: Age?

  func validate() throws {
    if json && prometheus { throw ValidationError("Pass --json or --prometheus, not both.") }
  }

  func run() throws {
    try reportingErrors {
      let stats = try SpoolStats(of: try options.reader(), options, now: .now())
      if json {
        printResult(stats.json.line)
      } else if prometheus {
        printResult(stats.prometheus)
      } else {
        stats.printTable()
      }
      try checkAge(stats)
    }
  }

  private func checkAge(_ stats: SpoolStats) throws {
    guard let oldest = stats.longestWaitSeconds else { return }
    func check(_ limit: Age?, _ name: String, exitCode: Int32) throws {
      guard let limit, oldest >= limit.seconds else { return }
      printError("\(name): an event has been waiting for \(Age(seconds: oldest).words)")
      throw ExitCode(exitCode)
    }
    try check(criticalAge, "critical", exitCode: 2)
    try check(warnAge, "warning", exitCode: 1)
  }
}

private struct SpoolStats {
  struct Folder {
    let instance: InstanceName
    let state: EventState
    let count: Int
    /// Nil if it is empty.
    let oldestAgeSeconds: Int64?
  }

  private let folders: [Folder]
  private let arrivalsOfLastHour: [(instance: InstanceName, count: Int)]
  private let free: (bytes: Int, inodes: Int)

  init(of reader: SpoolReader, _ options: SpoolOptions, now: Timestamp) throws {
    let instances = try options.instances(in: reader)
    folders = try instances.flatMap { instance in
      try EventState.allCases.map { try Self.folder(instance, $0, reader, now.seconds) }
    }
    arrivalsOfLastHour = try instances.map {
      ($0, try reader.countOfLastHour(of: $0, now: now))
    }
    free = try reader.freeSpace()
  }

  private static func folder(
    _ instance: InstanceName, _ state: EventState, _ reader: SpoolReader, _ now: Int64
  ) throws -> Folder {
    var count = 0
    var oldest: [UInt8]?
    try reader.forEachName(of: instance, in: state) { name, _ in
      count += 1
      // The names begin with the time.
      if beginsWithTime(name), oldest.map({ name.lexicographicallyPrecedes($0) }) ?? true {
        oldest = Array(name)
      }
    }
    let time = oldest.map { String(decoding: $0.prefix(16), as: UTF8.self) }
      .flatMap(CalendarDate.seconds(atBasicTime:))
    return Folder(
      instance: instance, state: state, count: count, oldestAgeSeconds: time.map { now - $0 })
  }

  /// Of what is not handled yet; nil if there is nothing.
  var longestWaitSeconds: Int64? {
    folders.filter { [.new, .cur, .defer].contains($0.state) }.compactMap(\.oldestAgeSeconds).max()
  }

  func printTable() {
    OperatorCommands.printTable(
      columns: ["INSTANCE", "STATE", "EVENTS", "OLDEST, SECONDS"],
      rows: folders.map {
        [
          "\($0.instance)", $0.state.rawValue, "\($0.count)",
          $0.oldestAgeSeconds.map(String.init) ?? "-",
        ]
      })
    for (instance, count) in arrivalsOfLastHour {
      printResult("\(instance): \(count) arrived in the last hour")
    }
    printResult("free: \(free.bytes) bytes, \(free.inodes) inodes")
  }

  var json: JSONObject {
    let folders = folders.map { folder -> JSONValue in
      .object([
        "instance": .string("\(folder.instance)"), "state": .string(folder.state.rawValue),
        "events": .number(folder.count),
        "oldestageseconds": folder.oldestAgeSeconds.map { .number($0) } ?? .null,
      ])
    }
    let arrivals = JSONObject(arrivalsOfLastHour.map { ("\($0.instance)", .number($0.count)) })
    return [
      "folders": .array(folders), "arrivalsoflasthour": .object(arrivals),
      "freebytes": .number(free.bytes), "freeinodes": .number(free.inodes),
    ]
  }

  /// The exposition format of Prometheus. Names of instances need no escaping.
  var prometheus: String {
    func labels(_ folder: Folder) -> String {
      "{instance=\"\(folder.instance)\",state=\"\(folder.state.rawValue)\"}"
    }
    let name = "delve_webhook_spool"
    var lines = ["# TYPE \(name)_events gauge"]
    lines += folders.map { "\(name)_events\(labels($0)) \($0.count)" }
    lines.append("# TYPE \(name)_oldest_age_seconds gauge")
    lines += folders.compactMap { folder in
      folder.oldestAgeSeconds.map { "\(name)_oldest_age_seconds\(labels(folder)) \($0)" }
    }
    lines.append("# TYPE \(name)_arrivals_last_hour gauge")
    lines += arrivalsOfLastHour.map {
      "\(name)_arrivals_last_hour{instance=\"\($0.instance)\"} \($0.count)"
    }
    lines += ["# TYPE \(name)_free_bytes gauge", "\(name)_free_bytes \(free.bytes)"]
    lines += ["# TYPE \(name)_free_inodes gauge", "\(name)_free_inodes \(free.inodes)"]
    return lines.joined(separator: "\n")
  }
}
