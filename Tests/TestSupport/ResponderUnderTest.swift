internal import Glibc

/// The way in which the responder gets its socket.
package enum ResponderStart: Sendable {
  case listening
  /// It replaces another responder that listens there.
  case replacing
  case listeningOnPort(Int)
  case spawnFCGI
  /// It inherits the socket, as from systemd.
  case socketActivated

  fileprivate func command(in folder: TemporaryFolder) -> (program: String, [String]) {
    let program = Repository.executable("delve-webhook-fcgi")
    let configured = ["--config", "\(folder.path)/config.yaml"]
    let socket = "\(folder.path)/s"
    return switch self {
    case .listening: (program, configured + ["--listen", "unix:\(socket)"])
    case .replacing: (program, configured + ["--listen", "unix:\(socket)", "--replace"])
    case .listeningOnPort(let port): (program, configured + ["--listen", "127.0.0.1:\(port)"])
    case .spawnFCGI: ("spawn-fcgi", ["-n", "-s", socket, "--", program] + configured)
    case .socketActivated: ("systemd-socket-activate", ["-l", socket, program] + configured)
    }
  }
}

/// The built responder on a socket in a temporary folder, with a configuration of the test's own.
package struct ResponderUnderTest: Sendable {
  package let folder: TemporaryFolder
  package let process: RunningProcess

  package let start: ResponderStart

  package init(
    folder: TemporaryFolder, process: RunningProcess, start: ResponderStart = .listening
  ) {
    (self.folder, self.process, self.start) = (folder, process, start)
  }

  package var socket: String { "\(folder.path)/s" }
  package var log: String { folder.text(of: "log") }

  /// Whether the log has the text, now or soon: a thread of its own writes it.
  package func logs(_ text: String) async throws -> Bool {
    try await eventually { log.contains(text) }
  }

  /// The paths of the event files, relative to the spool.
  package var storedEvents: [String] {
    folder.files(below: "spool").filter { $0.contains("/new/") }
  }

  /// Makes a delivery in a request of its own.
  package func deliver(
    authorization: [UInt8]?, xSignature: [UInt8]? = Array("ES512 /api/webhook.key".utf8),
    hook: String? = nil, instance: String? = nil, body: [UInt8] = Array("{}".utf8)
  ) throws -> FastCGIClient.Response {
    try client().request(
      deliveryParameters(
        authorization: authorization, xSignature: xSignature, hook: hook, instance: instance,
        contentLength: body.count),
      body: body)
  }

  /// Makes deliveries without a token, all at once, each on a connection of its own: many in a second
  /// on a slow machine, too.
  /// - Returns: their statuses.
  package func deliverUnauthorized(_ count: Int, instance: String? = nil) throws -> [Int] {
    let clients = try (0..<count).map { _ in
      let client = try self.client()
      try client.beginDelivery(nil, instance: instance)
      return client
    }
    return try clients.map { try $0.response().status }
  }

  /// The status of the health check, or nil if no process listens.
  package func healthStatus() -> Int? {
    let health: [(String, [UInt8])] = [
      ("REQUEST_METHOD", Array("GET".utf8)), ("DELVE_HOOK", Array("health".utf8)),
    ]
    return try? client().request(health).status
  }

  /// A new connection to the responder.
  package func client() throws -> FastCGIClient {
    switch start {
    case .listeningOnPort(let port): try FastCGIClient(port: port)
    case .listening, .replacing, .spawnFCGI, .socketActivated: try FastCGIClient(socket: socket)
    }
  }
}

extension FastCGIClient {
  /// Sends a delivery, and does not wait for its answer.
  package func beginDelivery(
    _ authorization: [UInt8]?, instance: String? = nil, body: [UInt8] = Array("{}".utf8)
  ) throws {
    try begin()
    let parameters = deliveryParameters(
      authorization: authorization, instance: instance, contentLength: body.count)
    try send(.parameters, FastCGIClient.encoded(parameters))
    try send(.parameters, [])
    try send(.standardInput, body)
    try send(.standardInput, [])
  }
}

/// The parameters that a web server passes for a delivery.
package func deliveryParameters(
  authorization: [UInt8]?, xSignature: [UInt8]? = Array("ES512 /api/webhook.key".utf8),
  hook: String? = nil, instance: String? = nil, contentLength: Int = 2
) -> [(String, [UInt8])] {
  var parameters: [(String, [UInt8])] = [
    ("REQUEST_METHOD", Array("POST".utf8)),
    ("REQUEST_URI", Array("/webhooks/delve/any".utf8)),
    ("REMOTE_ADDR", Array("192.0.2.7".utf8)),
    ("CONTENT_LENGTH", Array(String(contentLength).utf8)),
  ]
  if let instance { parameters.append(("DELVE_INSTANCE", Array(instance.utf8))) }
  if let hook { parameters.append(("DELVE_HOOK", Array(hook.utf8))) }
  if let authorization { parameters.append(("HTTP_AUTHORIZATION", authorization)) }
  if let xSignature { parameters.append(("HTTP_X_SIGNATURE", xSignature)) }
  return parameters
}

/// A configuration with one instance, `acme`, with the P-521 test key. `settings` are further lines
/// of the configuration. On a busy machine, more than the usual five minutes may lie between a token's
/// signature and its request.
package func exampleConfiguration(settings: String = "") -> String {
  """
  spool: spool
  minimum-free-bytes: 0
  max-age-seconds: 604800
  \(settings)
  instances:
    acme:
      url: https://acme.delvesecurity.app
      keys: [\(TestKey.p521.path)]
  """
}

/// Runs `body` beside a responder.
/// - Parameters:
///   - start: the way in which it gets its socket.
///   - clock: the second since 1970 at which the responder's wall clock stands still (faketime(1));
///     nil means the real time.
/// - Returns: the body's result and the responder's exit code.
@discardableResult
package func withResponder<Result: Sendable>(
  configuration: String = exampleConfiguration(), start: ResponderStart = .listening,
  clock: Int64? = nil,
  in folder: TemporaryFolder? = nil,
  _ body: @Sendable (ResponderUnderTest) async throws -> Result
) async throws -> (Result, exitCode: Int32) {
  let folder = try folder ?? TemporaryFolder()
  try folder.makeFolder("spool")
  try folder.write(configuration.utf8, to: "config.yaml")
  var environment: [String: String] = [:]
  if let clock {
    environment["LD_PRELOAD"] = "libfaketime.so.1"
    environment["LD_LIBRARY_PATH"] =
      "/usr/lib/x86_64-linux-gnu/faketime:/usr/lib/aarch64-linux-gnu/faketime"
    environment["FAKETIME"] = utcText(clock)
    environment["FAKETIME_DONT_FAKE_MONOTONIC"] = "1"
    environment["TZ"] = "UTC"
  }
  let (program, arguments) = start.command(in: folder)
  return try await withProcess(
    program, arguments, environment: environment, log: "\(folder.path)/log"
  ) { process in
    let responder = ResponderUnderTest(folder: folder, process: process, start: start)
    var isUp = false
    guard
      try await eventually({
        isUp = responder.healthStatus() != nil
        return isUp || process.hasEnded
      }), isUp
    else {
      throw ResponderDidNotStart(log: responder.log)
    }
    return try await body(responder)
  }
}

package struct ResponderDidNotStart: Error { package let log: String }

/// Returns `YYYY-MM-DD hh:mm:ss`, the format that faketime needs.
private func utcText(_ seconds: Int64) -> String {
  var time = time_t(seconds)
  var parts = tm()
  gmtime_r(&time, &parts)
  func two(_ value: Int32) -> String { value < 10 ? "0\(value)" : "\(value)" }
  return "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday)) "
    + "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))"
}
