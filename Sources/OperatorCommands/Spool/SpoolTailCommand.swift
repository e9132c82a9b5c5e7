internal import ArgumentParser
internal import CommandLineProgram
internal import EventSpool
internal import Glibc
internal import WebhookCore

/// `delve-webhook spool tail`
struct SpoolTailCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tail", abstract: "Print events as they arrive, until Ctrl-C.",
    discussion: "Also those of instances that are added meanwhile.")

  @OptionGroup var options: SpoolOptions

  @Flag(help: "One JSON object a line.")
  var json = false

  func run() throws {
    try reportingFailures {
      let path = try options.path()
      _ = try options.reader()
      var watch = try NameWatch()
      while !isOutputClosed() {
        do {
          for instance in try options.reader().instances() where options.isWanted(instance) {
            try watch.look(into: instance, of: path)
          }
        } catch let error as SystemError where error.errno == ENOENT {
          // The folders may yet come.
        }
        for (instance, name) in watch.next(milliseconds: 1_000) {
          show(SpoolEntry(instance: instance, state: .new, day: nil, fileName: name))
        }
      }
    }
  }

  private func show(_ entry: SpoolEntry) {
    guard entry.fileName.hasSuffix(".json"), !entry.fileName.hasPrefix(".") else { return }
    printResult(json ? entry.jsonLine : entry.row.joined(separator: "  "))
  }
}

/// Tells which names have come into the folders `new` (inotify(7)), also those that are gone already.
private struct NameWatch {
  private let inotify: Int32
  private var instances: [Int32: InstanceName] = [:]

  init() throws {
    inotify = inotify_init1(Int32(IN_CLOEXEC))
    guard inotify >= 0 else {
      throw CommandFailure(
        description:
          "inotify: \(String(cString: strerror(errno))); raise fs.inotify.max_user_instances",
        exitCode: EX_OSERR)
    }
  }

  /// Watches the instance's folder, if it is not watched yet; one that was made anew counts as another.
  mutating func look(into instance: InstanceName, of spool: String) throws {
    let events = UInt32(IN_CREATE) | UInt32(IN_MOVED_TO) | UInt32(IN_ONLYDIR)
    let number = inotify_add_watch(inotify, "\(spool)/\(instance)/new", events)
    if number >= 0 {
      instances[number] = instance
    } else if errno != ENOENT {
      throw CommandFailure(
        description: "\(spool)/\(instance)/new: \(String(cString: strerror(errno)))",
        exitCode: EX_NOINPUT)
    }
  }

  /// What has come since the last call, or comes within the time.
  func next(milliseconds: Int32) -> [(InstanceName, String)] {
    var waiting = pollfd(fd: inotify, events: Int16(POLLIN), revents: 0)
    guard poll(&waiting, 1, milliseconds) > 0 else { return [] }
    var found: [(InstanceName, String)] = []
    withUnsafeTemporaryAllocation(byteCount: 65_536, alignment: 8) { buffer in
      let count = read(inotify, buffer.baseAddress, buffer.count)
      var offset = 0
      while offset + 16 <= count {
        let event = buffer.loadUnaligned(fromByteOffset: offset, as: inotify_event.self)
        let name = buffer[(offset + 16)..<(offset + 16 + Int(event.len))].prefix { $0 != 0 }
        if event.mask & UInt32(IN_Q_OVERFLOW) != 0 {
          printError("delve-webhook: too many events at once: some are not shown; see spool list")
        } else if let instance = instances[event.wd] {
          found.append((instance, String(decoding: name, as: UTF8.self)))
        }
        offset += 16 + Int(event.len)
      }
    }
    return found
  }
}
