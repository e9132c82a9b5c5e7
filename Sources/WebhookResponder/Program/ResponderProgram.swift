internal import CFastCGI
internal import CLinux
internal import EventSpool
internal import Glibc
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
    case .printHelp: printLine(CommandLineOptions.help)
    case .printVersion: printLine("delve-webhook-fcgi \(programVersion)\n")
    case .serve: try serve(options, environment)
    }
    return EXIT_SUCCESS
  } catch {
    let line = Array("delve-webhook-fcgi: \(error.message)\n".utf8)
    _ = write(STDERR_FILENO, line, line.count)
    return error.exitCode
  }
}

private func serve(
  _ options: CommandLineOptions, _ environment: Environment
) throws(StartupError) {
  // Before the first thread and before FCGX_Init, so that no handler of libfcgi's ever runs.
  let watched = [SIGTERM, SIGINT, SIGHUP, SIGUSR1]
  let signals = FileDescriptor(
    owning: try started("signalfd", clinux_signal_descriptor(watched, Int32(watched.count))))
  signal(SIGPIPE, SIG_IGN)
  // How long libfcgi holds a worker for a peer that does not close, in milliseconds.
  setenv("LIBFCGI_OS_CLOSE_POLL_TIMEOUT", "500", 0)
  guard FCGX_Init() == 0 else {
    throw StartupError(message: "libfcgi refused to start", exitCode: EX_SOFTWARE)
  }

  let log = Log(environment: environment)
  let responder = try makeResponder(options, environment, log)
  let settings = responder.snapshot.configuration.settings
  let maximumConnections = try connectionLimit(for: settings)
  let listener = try listeningSocket(options, environment)
  let manager = ServiceManager(environment: environment)
  let poller = try Poller(maximumConnections: maximumConnections)
  let workers = try WorkerPool(responder, poller: poller, maximum: settings.workers)
  try poller.watch(signals.raw, as: .signals)
  let acceptor = try Acceptor(listener, poller: poller, workers: workers, log: log)
  try HousekeepingThread.start(responder)
  try ReloadThread.start(responder)
  var loop = EventLoop(
    responder, poller: poller, workers: workers, acceptor: acceptor, signals: signals,
    manager: manager)
  log.write(
    .notice,
    "started version=\(programVersion) instances=\(settings.instances.count) "
      + "workers=\(settings.workers) connections=\(maximumConnections)")
  manager.notify(.ready)
  loop.run()
  responder.keepHouse()
  log.write(.notice, "stopped")
}

private func makeResponder(
  _ options: CommandLineOptions, _ environment: Environment, _ log: Log
) throws(StartupError) -> Responder {
  let path = options.configurationPath ?? Settings.path(environment: environment)
  do {
    return try Responder(configurationPath: path, log: log)
  } catch {
    let message = (error as? SpoolSetupError)?.message ?? "\(error)"
    throw StartupError(message: message, exitCode: EX_CONFIG)
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

/// How many connections may be open at once: two descriptors each, out of what the limit leaves
/// beside the spools, the workers and the rest.
private func connectionLimit(for settings: Settings) throws(StartupError) -> Int {
  let perInstance = 24 + 2 * settings.workers
  let reserved = 32 + 2 * settings.workers + perInstance * settings.instances.count
  let available = (raisedDescriptorLimit() - reserved) / 2
  guard available >= 8 else {
    throw StartupError(
      message: "the limit on open files is too low: raise it to \(reserved + 512) (LimitNOFILE)",
      exitCode: EX_OSERR)
  }
  return min(available, 4_096)
}

private func printLine(_ text: String) {
  let bytes = Array(text.utf8)
  _ = write(STDOUT_FILENO, bytes, bytes.count)
}

extension Settings {
  /// Where the configuration lies if no option says so.
  static func path(environment: Environment) -> String {
    environment["DELVE_WEBHOOK_CONFIG"] ?? defaultPath
  }
}
