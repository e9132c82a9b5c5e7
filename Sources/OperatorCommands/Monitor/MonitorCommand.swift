internal import ArgumentParser
internal import CommandLineProgram
internal import EventSpool
internal import Glibc
internal import LinuxSystem
internal import ServiceProcess
internal import WebhookConfiguration
internal import WebhookCore

/// `delve-webhook monitor`
struct MonitorCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "monitor",
    abstract: "Check responder and spool: a plugin for Nagios, Icinga and the like.",
    discussion: """
      Prints one line: the state, its reason, and performance data. Then comes the remedy, or a \
      line for each of several problems. Icinga, Naemon, Sensu, Zabbix and others run such \
      plugins.

      With --url, the command asks the responder for its status page. Then it needs only the right \
      to see that page. It finds out whether the responder answers, and reports all that the page \
      finds wrong, refused deliveries included. Without --url, it reads the spool itself, so run it \
      as a user that may read the spool. Then it checks neither whether the responder runs nor what \
      was refused.

      A number above its limit is a problem; for free space, a number below. Of several instances, \
      the worst decides, and the numbers are those of all.

      Exit code 0: OK; 1: WARNING; 2: CRITICAL, also if the responder does not answer; 3: UNKNOWN: \
      the state cannot be found out, or the command line is wrong.
      """)

  @OptionGroup var options: SpoolOptions

  @Option(
    help: ArgumentHelp(
      "Ask this status page, as in http://127.0.0.1/webhooks/delve/status.", valueName: "url"))
  var url: String?

  @Option(
    help: ArgumentHelp(
      "Certificates of authorities that are trusted for --url, PEM, in place of the system's.",
      valueName: "file"))
  var caFile: String?

  @Option(
    help: ArgumentHelp("Warn if an event has waited for longer, as in 10m.", valueName: "age"))
  var warnAge = Age(seconds: longestWaitSeconds)

  @Option(help: ArgumentHelp("Critical if an event has waited for longer.", valueName: "age"))
  var criticalAge: Age?

  @Option(help: ArgumentHelp("Warn if more events than this were given up.", valueName: "number"))
  var warnDead: Int64 = 0

  @Option(
    help: ArgumentHelp("Critical if more events than this were given up.", valueName: "number"))
  var criticalDead: Int64?

  @Option(
    help: ArgumentHelp(
      "Warn if the last delivery is longer ago, as in 2d; below 8d.", valueName: "age"))
  var warnSilence: Age?

  @Option(help: ArgumentHelp("Critical if the last delivery is longer ago.", valueName: "age"))
  var criticalSilence: Age?

  @Option(
    help: ArgumentHelp("Warn if fewer bytes are free for the spool, as in 5G.", valueName: "size"))
  var warnFree: ByteSize?

  @Option(
    help: ArgumentHelp(
      """
      Critical if fewer are free (default: minimum-free-bytes of the configuration, below which no \
      event is stored; with --spool only if --config names that).
      """, valueName: "size"))
  var criticalFree: ByteSize?

  @Option(
    help: ArgumentHelp(
      "How long to wait for the answer, or for the spool's disk.", valueName: "time"))
  var timeout = Age(seconds: 10)

  func validate() throws {
    if url != nil, options.spool != nil {
      throw ValidationError("Pass --url or --spool, not both.")
    }
    if caFile != nil, url == nil { throw ValidationError("--ca-file is for --url.") }
    for limit in [warnSilence, criticalSilence].compactMap({ $0 })
    where limit.seconds >= Freshness.memorySeconds {
      throw ValidationError(
        "The last delivery is remembered for \(Age(seconds: Freshness.memorySeconds).words): a "
          + "limit must be below that.")
    }
    guard (1...3_600).contains(timeout.seconds) else {
      throw ValidationError("--timeout must be 1s to 1h.")
    }
  }

  func run() async throws {
    let result: PluginResult
    do {
      result = try await self.result()
    } catch {
      let sentence =
        switch error {
        case let error as SpoolError: error.forUser.explanation
        case let error as SystemError: "\(error.call.rawValue): \(error.reason)"
        default: "\(error)"
        }
      result = PluginResult(.init(state: .unknown, sentence: sentence))
    }
    result.print()
    throw ExitCode(result.state.rawValue)
  }

  private func result() async throws -> PluginResult {
    let limits = MonitorLimits(
      waitSeconds: .init(warning: warnAge.seconds, critical: criticalAge?.seconds),
      dead: .init(warning: warnDead, critical: criticalDead),
      silenceSeconds: .init(warning: warnSilence?.seconds, critical: criticalSilence?.seconds),
      freeBytes: .init(
        warning: warnFree.map { Int64($0.bytes) }, critical: criticalFree.map { Int64($0.bytes) }))
    guard let url else { return try spool().result(under: limits) }
    return try await StatusRequest(url: url, caFile: caFile, timeout: timeout)
      .result(under: limits, of: options.instance)
  }

  /// What lies in the spool.
  private func spool() throws -> WatchedSpool {
    try endAtTimeout()
    let reader = try options.reader()
    let now = Timestamp.now()
    let isSpoolConfigured = options.spool == nil
    let hasSettings = isSpoolConfigured || options.configuration.config != nil
    let settings = hasSettings ? try options.configuration.settings() : nil
    let configured = isSpoolConfigured ? settings?.instances.map(\.name) : nil
    let isConfigured = configured?.contains(where: options.isWanted) ?? false
    // One that is configured and not there is a problem; one that is neither is a mistake.
    let found =
      isConfigured
      ? try reader.instances().filter(options.isWanted) : try options.instances(in: reader)
    let instances = try found.filter(reader.isInstance)
    for instance in instances {
      if let problem = reader.layoutProblem(of: instance) { throw problem }
    }
    return WatchedSpool(
      instances: try instances.map { instance in
        var states: [EventState: WatchedSpool.Count] = [:]
        for state in EventState.allCases {
          let summary = try reader.summary(of: instance, in: state)
          states[state] = WatchedSpool.Count(
            events: Int64(summary.count),
            oldestAgeSeconds: summary.oldestSeconds.map { max(0, now.seconds - $0) })
        }
        return WatchedSpool.Instance(
          name: "\(instance)", states: states,
          silenceSeconds: try reader.lastStored(of: instance).map { max(0, now.seconds - $0) })
      },
      freeBytes: Int64(try reader.freeSpace().bytes),
      minimumFreeBytes: settings.map { Int64($0.minimumFreeBytes) },
      problems: try problems(of: reader, instances, configured: configured))
  }

  /// What the numbers do not show: a disk that is not mounted, or one that cannot be written.
  private func problems(
    of reader: SpoolReader, _ instances: [InstanceName], configured: [InstanceName]?
  ) throws -> [PluginResult.Problem] {
    var missing = (configured ?? []).filter { name in
      options.isWanted(name) && !instances.contains(name)
    }.map(\.description)
    if instances.isEmpty && missing.isEmpty { missing = ["any instance"] }
    var problems = missing.map { name in
      PluginResult.Problem(
        state: .critical, sentence: "nothing of \(name) lies in the spool",
        remedy: "look whether its disk is mounted, and whether the responder has ever started")
    }
    if let problem = reader.spaceProblem(minimumFreeBytes: 0), problem.cause == .noInodes {
      problems.append(
        PluginResult.Problem(
          state: .critical, sentence: "no inodes are free for the spool", remedy: problem.remedy))
    }
    if try reader.isReadOnly() {
      let error = SpoolError(.call(.open, errno: EROFS))
      problems.append(
        PluginResult.Problem(
          state: .critical, sentence: "the spool's file system is read-only", remedy: error.remedy))
    }
    return problems
  }

  /// A disk that does not answer holds a thread up for ever.
  private func endAtTimeout() throws(SystemError) {
    let seconds = timeout.seconds
    try startThread {
      sleep(UInt32(seconds))
      let result = PluginResult(
        .init(
          state: .unknown,
          sentence: "the spool could not be read within \(Age(seconds: seconds).words)",
          remedy: "look at its disk and the kernel's log, or raise --timeout"))
      result.print()
      _exit(result.state.rawValue)
    }
  }
}

extension MonitorCommand {
  /// Says that the command line is wrong as a plugin does, if it is this command's.
  static func reportWrongUsage(of arguments: [String], _ message: String) -> Int32? {
    guard arguments.first == configuration.commandName else { return nil }
    let result = PluginResult(
      .init(state: .unknown, sentence: message, remedy: "delve-webhook monitor --help says more"))
    result.print()
    return result.state.rawValue
  }
}
