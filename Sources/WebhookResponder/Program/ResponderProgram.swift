internal import CFastCGI
internal import Glibc
internal import LinuxSystem
internal import ServiceProcess
internal import Synchronization
internal import WebhookConfiguration
internal import WebhookCore

/// The program `delve-webhook-fcgi`, from its command line to its exit code (sysexits.h).
package func runResponder() -> Int32 {
  prepareProcess()
  defer { Log.flush() }
  let environment = Environment.ofProcess()
  let manager = ServiceManager(environment: environment)
  // Before anything else: under plain CGI the command line can be the sender's (RFC 3875 §4.4).
  if environment["GATEWAY_INTERFACE"] != nil { return servePlainCGI(environment) }
  do throws(StartupError) {
    let options = try CommandLineOptions(parsing: Array(commandLine().dropFirst()))
    switch options.action {
    case .printHelp: write(CommandLineOptions.help, to: STDOUT_FILENO)
    case .printVersion: write("\(responderVersionText())\n", to: STDOUT_FILENO)
    case .serve: try serve(options, environment, manager)
    }
    return EXIT_SUCCESS
  } catch {
    write("delve-webhook-fcgi: \(error.message)\n", to: STDERR_FILENO)
    manager.notify(.status(error.message))
    return error.exitCode
  }
}

private func serve(
  _ options: CommandLineOptions, _ environment: Environment, _ manager: ServiceManager
) throws(StartupError) {
  let signals = try blockedSignals()
  try startLibrary()
  let log = Log(environment: environment)
  let counters = Counters(startedAt: .now())
  let current = try currentSnapshot(options, environment, log, manager)
  let settings = current.value.settings
  let maximum = try connectionLimit(for: settings)
  let listener = try listeningSocket(options, environment)
  let isManaged = listener.isManaged
  let keeper = RefusedKeeper(log)
  do throws(SystemError) {
    let requestLog = RequestLog(log, counters)
    let connections = try Connections(maximum: maximum)
    let observer = try observer(current, counters, connections, isOnlyOne: listener.hasOneProcess)
    try keeper.start()
    let workers = try WorkerPool(
      connections: connections, maximum: settings.workers, log: requestLog, counters: counters,
      keeper: keeper, observer: observer)
    let acceptor = try Acceptor(listener, connections: connections, log: log)
    try startEverySecond {
      var housekeeping = SpoolHousekeeping(current, log: log)
      return { housekeeping.step() }
    }
    try startEverySecond {
      var reloading = Reloading(current, counters)
      return {
        reloading.step()
        requestLog.reportSuppressed()
      }
    }
    var loop = try MainLoop(
      current, connections: connections, workers: workers, acceptor: acceptor, signals: signals,
      manager: manager, log: requestLog, counters: counters)
    log.write(
      .notice, "started",
      [
        "version": .text(programVersion), "instances": .number(settings.instances.count),
        "workers": .number(settings.workers), "connections": .number(maximum),
      ])
    manager.notify(.ready(status: current.status()))
    loop.run()
    requestLog.reportSuppressed()
  } catch {
    throw StartupError(error)
  }
  finish(current.value, keeper, signals, isManaged: isManaged, log)
}

/// Looks at the spools from here on.
/// - Parameter isOnlyOne: whether no further process serves the same locations. If some do, each of
///   them knows only a part.
private func observer(
  _ current: CurrentSnapshot, _ counters: Counters, _ connections: Connections, isOnlyOne: Bool
) throws(SystemError) -> Observer? {
  guard isOnlyOne else { return nil }
  let watch = SpoolWatch(current)
  let check = SpoolCheck(current)
  try watch.start()
  try check.start()
  return Observer(
    current: current, counters: counters, connections: connections, watch: watch, check: check,
    workersLimit: current.value.settings.workers)
}

/// What was published stays known. A hung disk holds the end up for some seconds only: without
/// this, an event may be stored a second time, and nothing is lost.
/// - Parameter isManaged: by a process manager, which sends SIGTERM twice.
private func finish(
  _ snapshot: Snapshot, _ keeper: RefusedKeeper, _ signals: SignalDescriptor, isManaged: Bool,
  _ log: Log
) {
  final class End: Sendable {
    let isReached = Atomic(false)
  }
  let end = End()
  do throws(SystemError) {
    try startThread {
      SpoolHousekeeping.finish(snapshot, log: log)
      keeper.finish()
      end.isReached.store(true, ordering: .releasing)
    }
    let deadline = ContinuousClock.now + .seconds(4)
    while !end.isReached.load(ordering: .acquiring) && ContinuousClock.now < deadline {
      // The second signal ends it, at once.
      if let signal = signals.next(), signal != SIGHUP, !(signal == SIGTERM && isManaged) {
        _exit(EXIT_SUCCESS)
      }
      usleep(1_000)
    }
    if !end.isReached.load(ordering: .acquiring) {
      log.write(.error, "the spool's disk does not answer: an event may be stored a second time")
    }
  } catch {
    SpoolHousekeeping.finish(snapshot, log: log)
  }
  log.write(.notice, "stopped")
}

/// Before the first thread and before FCGX_Init, so that no handler of libfcgi's ever runs.
private func blockedSignals() throws(StartupError) -> SignalDescriptor {
  do throws(SystemError) {
    return try SignalDescriptor([SIGTERM, SIGINT, SIGHUP, SIGUSR1])
  } catch {
    throw StartupError(error)
  }
}

private func startLibrary() throws(StartupError) {
  // How long libfcgi holds a worker for a peer that does not close, in milliseconds.
  setenv("LIBFCGI_OS_CLOSE_POLL_TIMEOUT", "500", 0)
  guard FCGX_Init() == 0 else {
    throw StartupError(message: "libfcgi refused to start", exitCode: EX_SOFTWARE)
  }
}

private func currentSnapshot(
  _ options: CommandLineOptions, _ environment: Environment, _ log: Log,
  _ manager: ServiceManager
) throws(StartupError) -> CurrentSnapshot {
  let path = Settings.path(
    option: options.configurationPath, variable: environment[Settings.pathVariable])
  do throws(SnapshotError) {
    return try CurrentSnapshot(configurationPath: path, log: log, manager: manager)
  } catch {
    throw .configuration(error.message)
  }
}

private func listeningSocket(
  _ options: CommandLineOptions, _ environment: Environment
) throws(StartupError) -> ListeningSocket {
  if let address = options.address {
    return try ListeningSocket(
      address, file: options.socketFile, allowsRemote: options.allowsRemote)
  }
  guard environment["FCGI_WEB_SERVER_ADDRS"] == nil else {
    throw .usage("FCGI_WEB_SERVER_ADDRS is not honoured: limit who can connect in another way")
  }
  let inherited = try ListeningSocket.inherited(
    environment: environment, allowsRemote: options.allowsRemote)
  guard let socket = inherited else {
    throw .usage("no socket to listen on: pass --listen unix:PATH, or start it from systemd")
  }
  return socket
}

/// How many connections may be open at once: one descriptor each, out of what the limit leaves.
private func connectionLimit(for settings: Settings) throws(StartupError) -> Int {
  // An instance's folder, ids/ and 16 hours of it, a probe, and what housekeeping has open.
  let ofEachInstance = 24
  // The lock file and new/.
  let ofEachInstanceAndWorker = 2
  // The file that is being written, new/ while the health is checked, and libfcgi's socket pair.
  let ofEachWorker = 4
  // A reload may add some.
  let instances = settings.instances.count + 4
  // The standard ones, epoll, the signals, the listener, the configuration's files, libraries, and the
  // folders that are counted, checked or kept for refused requests.
  let ofTheProcess = 48
  let reserved =
    ofTheProcess + ofEachWorker * (settings.workers + 2)
    + (ofEachInstance + ofEachInstanceAndWorker * settings.workers) * instances
  let available = raisedDescriptorLimit() - reserved
  guard available >= 8 else {
    throw .system(
      "the limit on open files is too low: raise it to \(reserved + 512) (LimitNOFILE)")
  }
  return min(available, 4_096)
}

private func write(_ text: String, to descriptor: Int32) {
  // If nobody can read it, the exit code says what it can.
  try? writeAll(Array(text.utf8), to: descriptor)
}
