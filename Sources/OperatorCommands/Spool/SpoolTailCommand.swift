internal import ArgumentParser
internal import CommandLineProgram
internal import EventSpool
internal import Glibc
internal import StrictJSON
internal import WebhookCore

/// `delve-webhook spool tail`
struct SpoolTailCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tail", abstract: "Print events as they arrive, until Ctrl-C.",
    discussion: """
      Prints the events of all instances, also of those that are added meanwhile.

      Exit code 0: nobody reads the output any more; 66: the spool cannot be read; 71: the system \
      refused to watch the spool.
      """)

  @OptionGroup var options: SpoolOptions

  @Flag(help: "One JSON object a line.")
  var json = false

  func run() throws {
    try reportingErrors {
      let path = try options.path()
      let reader = try options.reader()
      reader.warnOfLayouts(of: try reader.instances().filter(options.isWanted))
      guard var arrivals = ArrivalNames(inSpool: path) else {
        throw CommandError.system(
          "inotify_init1: \(String(cString: strerror(errno))); raise fs.inotify.max_user_instances")
      }
      sayWaiting("for events in \(printable(path))")
      while true {
        endIfUnread()
        let missed = try arrivals.next(
          withinMilliseconds: 1_000, where: options.isWanted,
          report: { printError("\(programName): not shown: \($0.forUser.explanation)") }, show)
        if missed {
          printError("\(programName): too many events at once: some are not shown; see spool list")
        }
      }
    }
  }

  private func show(_ entry: SpoolEntry) {
    var name = entry.fileName
    name.withUTF8 { bytes in
      let name = UnsafeRawBufferPointer(bytes)
      if json {
        printJSON(eventObject(name, in: entry.place))
      } else {
        printResult(Array(eventRow(name, in: entry.place).joined(separator: "  ".utf8)) + [0x0A])
      }
    }
  }
}
