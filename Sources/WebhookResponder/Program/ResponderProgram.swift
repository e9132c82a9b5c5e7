internal import CFastCGI
internal import Glibc
internal import LinuxSystem
internal import ServiceProcess
internal import WebhookConfiguration
internal import WebhookCore

/// The program `delve-webhook-fcgi`, from its command line to its exit code (sysexits.h).
package func runResponder(arguments: [String]) -> Int32 {
  openStandardDescriptors()
  let environment = Environment.ofProcess()
  // Before anything else: under plain CGI the command line can be the sender's (RFC 3875 §4.4).
  if environment["GATEWAY_INTERFACE"] != nil { return PlainCGI().serve(environment) }
  do throws(StartupError) {
    let options = try CommandLineOptions(parsing: arguments)
    switch options.action {
    case .printHelp: write(CommandLineOptions.help, to: STDOUT_FILENO)
    case .printVersion: write("delve-webhook-fcgi \(programVersion)\n", to: STDOUT_FILENO)
    case .serve: try serve(options, environment)
    }
    return EXIT_SUCCESS
  } catch {
    write("delve-webhook-fcgi: \(error.message)\n", to: STDERR_FILENO)
    return error.exitCode
  }
}

private func serve(
  _ options: CommandLineOptions, _ environment: Environment
) throws(StartupError) {
  let signals = try blockedSignals()
  try startLibrary()
  let log = Log(environment: environment)
  let current = try currentSnapshot(options, environment, log)
  let settings = current.value.settings
  let maximum = try connectionLimit(for: settings)
  let listener = try listeningSocket(options, environment)
  let manager = ServiceManager(environment: environment)
  do throws(SystemError) {
    let connections = try Connections(maximum: maximum)
    let workers = try WorkerPool(
      current, connections: connections, maximum: settings.workers, log: log)
    let acceptor = try Acceptor(listener, connections: connections, workers: workers, log: log)
    try startEverySecond {
      var housekeeping = SpoolHousekeeping(current, log: log)
      return { housekeeping.step() }
    }
    try startEverySecond {
      var reloading = Reloading(current)
      return { reloading.step() }
    }
    var loop = try MainLoop(
      current, connections: connections, workers: workers, acceptor: acceptor, signals: signals,
      manager: manager, log: log)
    log.write(
      .notice, "started",
      [
        "version": .text(programVersion), "instances": .number(settings.instances.count),
        "workers": .number(settings.workers), "connections": .number(maximum),
      ])
    manager.notify(.ready)
    loop.run()
  } catch {
    throw StartupError(error)
  }
  SpoolHousekeeping.finish(current.value, log: log)
  log.write(.notice, "stopped")
}

/// Before the first thread and before FCGX_Init, so that no handler of libfcgi's ever runs.
private func blockedSignals() throws(StartupError) -> SignalDescriptor {
  signal(SIGPIPE, SIG_IGN)
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
  _ options: CommandLineOptions, _ environment: Environment, _ log: Log
) throws(StartupError) -> CurrentSnapshot {
  let path = Settings.path(
    option: options.configurationPath, variable: environment[Settings.pathVariable])
  do throws(SnapshotError) {
    return try CurrentSnapshot(configurationPath: path, log: log)
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

/// How many connections may be open at once: two descriptors each, out of what the limit leaves.
private func connectionLimit(for settings: Settings) throws(StartupError) -> Int {
  // An instance's folder, ids/ and 16 hours of it, a probe, and what housekeeping has open.
  let ofEachInstance = 24
  // The lock file and new/.
  let ofEachInstanceAndWorker = 2
  // The file that is being written, and new/ while the health is checked.
  let ofEachWorker = 2
  // The standard ones, epoll, the signals, the listener, the configuration's files, libraries.
  let ofTheProcess = 32
  let reserved =
    ofTheProcess + ofEachWorker * settings.workers
    + (ofEachInstance + ofEachInstanceAndWorker * settings.workers) * settings.instances.count
  let available = (raisedDescriptorLimit() - reserved) / 2
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
