internal import Glibc

/// The command line of the responder.
struct CommandLineOptions: Equatable {
  enum Action: Equatable {
    case serve, printHelp, printVersion
  }

  var action = Action.serve
  /// Nil: a socket that is inherited.
  var address: ListenAddress?
  var socketFile = SocketFile()
  /// Whether other machines may reach the socket.
  var allowsRemote = false
  var configurationPath: String?

  /// - Parameter arguments: without the program's name.
  init(parsing arguments: [String]) throws(StartupError) {
    var rest = arguments[...]
    while let argument = rest.popFirst() {
      switch argument {
      case "--help", "-h": action = .printHelp
      case "--version": action = .printVersion
      case "--replace": socketFile.replacesLivingOne = true
      case "--allow-remote": allowsRemote = true
      default: try parseOption(argument, &rest)
      }
    }
    if case .unix = address { return }
    guard socketFile == SocketFile() else {
      throw .usage("--socket-… and --replace need --listen unix:PATH")
    }
  }

  /// `--name VALUE` or `--name=VALUE`.
  private mutating func parseOption(
    _ argument: String, _ rest: inout ArraySlice<String>
  ) throws(StartupError) {
    let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let name = String(parts[0])
    let names = ["--listen", "--config", "--socket-mode", "--socket-user", "--socket-group"]
    guard names.contains(name) else { throw .usage("unknown argument: \(argument)") }
    guard let value = parts.count == 2 ? String(parts[1]) : rest.popFirst(), !value.isEmpty else {
      throw .usage("\(name) needs a value")
    }
    switch name {
    case "--listen": address = try ListenAddress(parsing: value)
    case "--socket-mode": socketFile.mode = try Self.mode(value)
    case "--socket-user": socketFile.user = try Self.user(value)
    case "--socket-group": socketFile.group = try Self.group(value)
    default: configurationPath = value
    }
  }

  private static func mode(_ text: String) throws(StartupError) -> mode_t {
    guard let mode = mode_t(text, radix: 8), mode <= 0o777, !text.hasPrefix("+") else {
      throw .usage("--socket-mode: expected an octal mode such as 0660, found \(text)")
    }
    return mode
  }

  private static func user(_ name: String) throws(StartupError) -> uid_t {
    if let number = uid_t(name) { return number }
    guard let entry = getpwnam(name) else {
      throw .usage("--socket-user: there is no user \(name)")
    }
    return entry.pointee.pw_uid
  }

  private static func group(_ name: String) throws(StartupError) -> gid_t {
    if let number = gid_t(name) { return number }
    guard let entry = getgrnam(name) else {
      throw .usage("--socket-group: there is no group \(name)")
    }
    return entry.pointee.gr_gid
  }

  static let help = """
    delve-webhook-fcgi receives signed deliveries from a web server over FastCGI or CGI, verifies
    them and stores each as one file in a spool directory.

    Usage: delve-webhook-fcgi [OPTION...]

      --listen unix:PATH       make this socket and listen on it
      --listen 127.0.0.1:PORT  listen on this address, or on [::1]:PORT. A process that can
                               connect chooses instance and hook: a unix socket is better
      --allow-remote           listen on an address that other machines can reach
      --socket-mode MODE       the unix socket's mode, octal (default: 0660)
      --socket-user USER       its owner and its group, by name or number (default: those of the
      --socket-group GROUP     process)
      --replace                take the unix socket's path over from a process that listens there:
                               start the new one so, then send SIGTERM to the old one, and no
                               request is lost
      --config FILE            the configuration (default: $DELVE_WEBHOOK_CONFIG, else
                               /etc/delve-webhook/config.yaml)
      --help, -h               this text
      --version                the version

    Without --listen it takes the listening socket that systemd, spawn-fcgi or mod_fcgid hands over.
    Started as plain CGI (GATEWAY_INTERFACE is set) it answers one request and reads no command line.

    Signals: SIGTERM and SIGINT end it once every accepted request is answered, within 8 seconds;
    a second one ends it at once. SIGHUP reads configuration and keys again.

    Exit codes: 0 ended by a signal; 64 wrong command line; 71 the system refused something;
    73 the socket cannot be made; 78 wrong configuration, key file or spool.

    """
}
