/// The command line of the responder.
struct CommandLineOptions: Equatable {
  enum Action: Equatable {
    case serve, printHelp, printVersion
  }

  var action = Action.serve
  /// `--listen unix:PATH`; nil: a socket that is inherited.
  var socketPath: String?
  var configurationPath: String?

  /// - Parameter arguments: without the program's name.
  init(parsing arguments: [String]) throws(StartupError) {
    var rest = arguments[...]
    while let argument = rest.popFirst() {
      switch argument {
      case "--help", "-h": action = .printHelp
      case "--version": action = .printVersion
      default: try parseOption(argument, &rest)
      }
    }
  }

  /// `--name VALUE` or `--name=VALUE`.
  private mutating func parseOption(
    _ argument: String, _ rest: inout ArraySlice<String>
  ) throws(StartupError) {
    let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let name = String(parts[0])
    guard ["--listen", "--config"].contains(name) else {
      throw .usage("unknown argument: \(argument)")
    }
    guard let value = parts.count == 2 ? String(parts[1]) : rest.popFirst(), !value.isEmpty else {
      throw .usage("\(name) needs a value")
    }
    if name == "--config" {
      configurationPath = value
    } else {
      guard value.hasPrefix("unix:"), value.utf8.count > 5 else {
        throw .usage("--listen: expected unix:PATH, found \(value)")
      }
      socketPath = String(value.dropFirst(5))
    }
  }

  static let help = """
    delve-webhook-fcgi receives signed deliveries from a web server over FastCGI, verifies them and
    stores each as one file in a spool directory.

    Usage: delve-webhook-fcgi [--listen unix:PATH] [--config FILE]

      --listen unix:PATH   make this socket (mode 0660) and listen on it; left out: the listening
                           socket that systemd, spawn-fcgi or mod_fcgid hands over
      --config FILE        the configuration; left out: $DELVE_WEBHOOK_CONFIG, else
                           /etc/delve-webhook/config.yaml
      --help               this text
      --version            the version

    Signals: SIGTERM and SIGINT end it once every accepted request is answered, within 8 seconds;
    a second one ends it at once. SIGHUP reads configuration and keys again.

    Exit codes: 0 ended by a signal; 64 wrong command line; 71 the system refused something;
    73 the socket cannot be made; 78 wrong configuration, key file or spool.

    """
}
