internal import ArgumentParser
internal import CommandLineProgram
internal import EventSpool
internal import Glibc
internal import ServiceProcess
internal import StrictJSON
internal import WebhookCore

/// `delve-webhook spool stats`
struct SpoolStatsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stats",
    abstract: "Count the events in each folder; show the oldest one's age and the free space.",
    discussion: """
      An event's age is counted from its iat, which is in its file name. The age of any other file \
      whose name ends in .json is counted from its last modification. The rate is that of the last \
      hour's arrivals, handled or not.

      With --warn-age or --critical-age, the line below the table explains the exit code. If the \
      code is not 0, standard error has that line, too. `delve-webhook monitor` checks more.

      Exit code 0: counted, and no limit is passed; 1: an event in new, cur or defer is as old as \
      --warn-age; 2: an event there is as old as --critical-age; 66: the spool cannot be read.
      """)

  @OptionGroup var options: SpoolOptions

  @Flag(help: "One JSON object.")
  var json = false

  @Flag(help: "Text for node_exporter's textfile collector; its label spool is the folder's path.")
  var prometheus = false

  @Option(
    help: ArgumentHelp("Exit with 1 if an event has waited this long, as in 10m.", valueName: "age")
  )
  var warnAge: Age?

  @Option(help: ArgumentHelp("Exit with 2 if an event has waited this long.", valueName: "age"))
  var criticalAge: Age?

  func validate() throws {
    if json && prometheus { throw ValidationError("Pass --json or --prometheus, not both.") }
  }

  func run() throws {
    try reportingErrors {
      let stats = try SpoolStats(of: try options.reader(), options, now: .now())
      if json {
        printJSON(stats.json)
      } else if prometheus {
        printResult(Array(try stats.metrics(ofSpool: options.path()).utf8))
      } else {
        stats.printTable()
      }
      try checkAge(stats)
    }
  }

  private func checkAge(_ stats: SpoolStats) throws {
    guard warnAge != nil || criticalAge != nil else { return }
    // Programs read the other forms: nothing else may stand there.
    let isTable = !json && !prometheus
    guard let oldest = stats.longestWait, let age = oldest.oldestAgeSeconds else {
      if isTable { printResult("ok: no event is waiting") }
      return
    }
    let wait =
      "\(oldest.instance)/\(oldest.state.rawValue) has \(eventCount(oldest.count)), "
      + "and the oldest has been waiting for "
      + Age(seconds: age).words
    func check(_ limit: Age?, _ name: String, exitCode: Int32) throws {
      guard let limit, age >= limit.seconds else { return }
      let sentence = "\(name): \(wait)"
      if isTable { printResult(sentence) }
      // At a terminal, once is enough.
      if !isTable || !isOutputTerminal { printError(sentence) }
      throw ExitCode(exitCode)
    }
    try check(criticalAge, "critical", exitCode: 2)
    try check(warnAge, "warning", exitCode: 1)
    if isTable { printResult("ok: \(wait)") }
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
      try EventState.allCases.map { state in
        let summary = try reader.summary(of: instance, in: state)
        return Folder(
          instance: instance, state: state, count: summary.count,
          oldestAgeSeconds: summary.oldestSeconds.map { now.seconds - $0 })
      }
    }
    arrivalsOfLastHour = try instances.map {
      ($0, try reader.countOfLastHour(of: $0, now: now))
    }
    free = try reader.freeSpace()
  }

  /// That with what waits longest to be handled; nil if nothing waits.
  var longestWait: Folder? {
    folders.filter { EventState.waiting.contains($0.state) && $0.oldestAgeSeconds != nil }
      .max { ($0.oldestAgeSeconds ?? 0) < ($1.oldestAgeSeconds ?? 0) }
  }

  func printTable() {
    OperatorCommands.printTable(
      columns: ["INSTANCE", "STATE", "EVENTS", "OLDEST"],
      rows: folders.map {
        [
          "\($0.instance)", $0.state.rawValue, "\($0.count)",
          $0.oldestAgeSeconds.map { Age(seconds: max(0, $0)).short } ?? "-",
        ]
      })
    for (instance, count) in arrivalsOfLastHour {
      printResult("\(instance): \(count) arrived in the last hour")
    }
    printResult("free: \(ByteSize(bytes: free.bytes).words), \(free.inodes) inodes")
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

  /// For Prometheus.
  func metrics(ofSpool path: String) -> String {
    let spool = (name: "spool", value: path)
    func labels(_ instance: InstanceName, _ state: EventState? = nil) -> [(String, String)] {
      [spool, ("instance", "\(instance)")] + (state.map { [("state", $0.rawValue)] } ?? [])
    }
    var text = MetricsText()
    text.append(
      .spoolEvents, folders.map { .init($0.count, labels($0.instance, $0.state)) })
    text.append(
      .spoolOldestAge,
      folders.compactMap { folder in
        folder.oldestAgeSeconds.map { .init($0, labels(folder.instance, folder.state)) }
      })
    text.append(
      .spoolArrivals, arrivalsOfLastHour.map { .init($0.count, labels($0.instance)) })
    text.append(.spoolFreeBytes, [.init(free.bytes, [spool])])
    text.append(.spoolFreeInodes, [.init(free.inodes, [spool])])
    return text.text
  }
}
