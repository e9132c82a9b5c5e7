internal import ArgumentParser
internal import EventSpool
internal import Glibc
internal import StrictJSON
internal import WebhookCore

/// `delve-webhook spool stats`
struct SpoolStatsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stats",
    abstract: "Count the events in each folder, the oldest one's age, and what is free.",
    discussion: "An event's age is counted from its iat, which its file name holds.")

  @OptionGroup var options: SpoolOptions

  @Flag(help: "One JSON object.")
  var json = false

  @Flag(help: "Text for node_exporter's textfile collector.")
  var prometheus = false

  func validate() throws {
    if json && prometheus { throw ValidationError("Name --json or --prometheus, not both.") }
  }

  func run() throws {
    try reportingFailures {
      do {
        let stats = try SpoolStats(of: try options.reader(), options, now: Int64(time(nil)))
        if json {
          printResult(stats.json)
        } else if prometheus {
          printResult(stats.prometheus)
        } else {
          stats.printTable()
        }
      } catch let error as SystemError {
        throw CommandFailure.noInput(error.message)
      }
    }
  }
}

private struct SpoolStats {
  struct Folder {
    let instance: InstanceName
    let state: EventState
    let count: Int
    /// Nil where it is empty.
    let oldestAgeSeconds: Int64?
  }

  private let folders: [Folder]
  private let free: (bytes: Int, inodes: Int)

  init(of reader: SpoolReader, _ options: SpoolOptions, now: Int64) throws {
    var folders: [Folder] = []
    for instance in try options.instances(in: reader) {
      for state in EventState.allCases {
        let entries = try reader.entries(of: instance, in: [state])
        let oldest = entries.compactMap { entry in
          entry.summary.flatMap { CalendarDate.seconds(atBasicTime: $0.issuedAt) }
        }.min()
        folders.append(
          Folder(
            instance: instance, state: state, count: entries.count,
            oldestAgeSeconds: oldest.map { now - $0 }))
      }
    }
    self.folders = folders
    free = try reader.freeSpace()
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
    printResult("free: \(free.bytes) bytes, \(free.inodes) inodes")
  }

  var json: String {
    let folders = folders.map { folder -> JSONValue in
      .object(
        JSONObject([
          ("instance", .string("\(folder.instance)")), ("state", .string(folder.state.rawValue)),
          ("events", .number(Int64(folder.count))),
          ("oldestageseconds", folder.oldestAgeSeconds.map { .number($0) } ?? .null),
        ]))
    }
    let object = JSONObject([
      ("folders", .array(folders)), ("freebytes", .number(Int64(free.bytes))),
      ("freeinodes", .number(Int64(free.inodes))),
    ])
    return String(decoding: JSONValue.object(object).compactText, as: UTF8.self)
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
    lines += ["# TYPE \(name)_free_bytes gauge", "\(name)_free_bytes \(free.bytes)"]
    lines += ["# TYPE \(name)_free_inodes gauge", "\(name)_free_inodes \(free.inodes)"]
    return lines.joined(separator: "\n")
  }
}
