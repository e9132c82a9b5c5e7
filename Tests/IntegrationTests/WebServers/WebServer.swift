internal import Glibc
internal import TestSupport
internal import Testing

/// A real web server with the snippets of `nginx/` or `apache/`, in front of the built responder.
struct WebServer: Sendable {
  let base: String
  let port: Int
  let folder: TemporaryFolder
  let process: RunningProcess

  /// Makes a request with curl, and returns the answer's head and body.
  func curl(_ path: String, _ options: [String]) async throws -> (head: String, body: String) {
    let result = try await command("curl", ["-s", "-i", "\(base)/\(path)"] + options)
    let parts = result.output.replacing("HTTP/1.1 100 Continue\r\n\r\n", with: "")
      .split(separator: "\r\n\r\n", maxSplits: 1).map(String.init)
    return (parts.first ?? "", parts.count > 1 ? parts[1] : "")
  }

  /// The header fields of a good delivery, as curl's options.
  func signed(id: String = "212", by key: TestKey = .p521) throws -> [String] {
    let token = try nowAuthorization(id: id, by: key)
    return [
      "-H", "Authorization: \(String(decoding: token, as: UTF8.self))",
      "-H", "X-Signature: ES512 /api/webhook.key",
    ]
  }

  /// The paths of the event files, relative to the spool.
  var storedEvents: [String] {
    folder.files(below: "spool").filter { $0.contains("/new/") }
  }
}

/// The ways from a web server to the responder.
enum WebServerWay: String, CaseIterable, Sendable {
  case nginx
  case nginxOverTCP = "nginx, a port of the loopback address"
  case nginxWithSpawnFCGI = "nginx, spawn-fcgi"
  case nginxWithSocketActivation = "nginx, systemd-socket-activate"
  case apacheFcgid = "Apache, mod_fcgid"
  case apacheProxy = "Apache, mod_proxy_fcgi"
  case apacheCGI = "Apache, mod_cgid"
}

/// Runs `body` with a web server that reaches the responder in the given way.
func withWebServer(
  _ way: WebServerWay = .nginx, configuration: String = exampleConfiguration(),
  _ body: @Sendable (WebServer) async throws -> Void
) async throws {
  switch way {
  case .nginx: try await withNginx(configuration, .listening, body)
  case .nginxOverTCP:
    try await withNginx(configuration, .listeningOnPort(try freePort()), body)
  case .nginxWithSpawnFCGI: try await withNginx(configuration, .spawnFCGI, body)
  case .nginxWithSocketActivation: try await withNginx(configuration, .socketActivated, body)
  case .apacheFcgid: try await withApache("fcgid", configuration, in: TemporaryFolder(), body)
  case .apacheCGI: try await withApache("cgi", configuration, in: TemporaryFolder(), body)
  case .apacheProxy:
    try await withResponder(configuration: configuration) { responder in
      try await withApache("proxy", configuration, in: responder.folder, body)
    }
  }
}

private func withNginx(
  _ configuration: String, _ start: ResponderStart,
  _ body: @Sendable (WebServer) async throws -> Void
) async throws {
  try await withResponder(configuration: configuration, start: start) { responder in
    try await withNginx(before: responder) { try await body($0) }
  }
}

/// Runs `body` with an nginx in front of `responder`. `settings` are lines of its main block,
/// `serverSettings` lines of its server block. `rate` replaces the 100 deliveries per second that
/// the snippets allow.
func withNginx(
  before responder: ResponderUnderTest, settings: String = "", serverSettings: String = "",
  rate: String = "100r/s",
  _ body: @Sendable (WebServer) async throws -> Void
) async throws {
  let folder = responder.folder
  let port = try freePort()
  for name in ["http", "responder", "delivery", "instance", "locations"] {
    let text = try String(
      decoding: fileBytes("\(Repository.root)/nginx/\(name).conf"), as: UTF8.self)
    try folder.write(
      text.replacing("rate=100r/s", with: "rate=\(rate)").utf8, to: "delve-webhook/\(name).conf")
  }
  let upstream =
    switch responder.start {
    case .listeningOnPort(let port): "127.0.0.1:\(port)"
    default: "unix:\(responder.socket)"
    }
  let configuration = """
    \(getuid() == 0 ? "user root;" : "")
    daemon off;
    pid \(folder.path)/nginx.pid;
    error_log \(folder.path)/nginx.log;
    \(settings)
    events { worker_connections 10000; }
    http {
      access_log off;
      client_body_temp_path \(folder.path)/t1; proxy_temp_path \(folder.path)/t2;
      fastcgi_temp_path \(folder.path)/t3; uwsgi_temp_path \(folder.path)/t4;
      scgi_temp_path \(folder.path)/t5;
      include delve-webhook/http.conf;
      upstream delve_webhook { server \(upstream) max_fails=0; server \(upstream) max_fails=0; }
      server {
        listen 127.0.0.1:\(port) backlog=8192;
        \(serverSettings)
        include delve-webhook/locations.conf;
      }
    }
    """
  try folder.write(configuration.utf8, to: "nginx.conf")
  let arguments = ["-e", "\(folder.path)/nginx.log", "-c", "\(folder.path)/nginx.conf"]
  try await withServer(
    try await systemProgram("nginx"), arguments, port: port, folder: folder, log: "nginx.log", body)
}

/// Apache may run as another user than the test. All files that it reads or writes are in `folder`.
/// - Parameter settings: further lines of its configuration.
func withApache(
  _ way: String, _ configuration: String, in folder: TemporaryFolder, settings: String = "",
  _ body: @Sendable (WebServer) async throws -> Void
) async throws {
  let port = try freePort()
  try folder.makeFolder("spool")
  try folder.write(fileBytes(TestKey.p521.path), to: "key.pem")
  try folder.write(
    configuration.replacing(TestKey.p521.path, with: "key.pem").utf8, to: "config.yaml")
  let program = try folder.write(
    fileBytes(Repository.executable("delve-webhook-fcgi")), to: "bin/delve-webhook-fcgi")
  chmod(program, 0o755)
  for name in ["instance", "locations", way] {
    let text = String(
      decoding: try fileBytes("\(Repository.root)/apache/\(name).conf"), as: UTF8.self
    )
    .replacing("/usr/local/bin/", with: "\(folder.path)/bin/")
    .replacing("/etc/delve-webhook/", with: "\(folder.path)/")
    .replacing("/run/delve-webhook/fcgi.sock", with: "\(folder.path)/s")
    try folder.write(text.utf8, to: "delve-webhook/\(name).conf")
  }
  let lines = apacheConfiguration(way, port: port, folder, settings)
  try folder.write(lines.utf8, to: "apache.conf")
  let apache = try await systemProgram("apache2")
  let arguments = ["-D", "FOREGROUND", "-f", "\(folder.path)/apache.conf"]
  guard getuid() == 0 else {
    return try await withServer(
      apache, arguments, port: port, folder: folder, log: "apache.log", body)
  }
  // Apache does not serve as root, and cannot change its user unless it starts as root.
  _ = try await command("chown", ["-R", "www-data:www-data", folder.path])
  try await withServer(
    "setpriv",
    ["--reuid", "www-data", "--regid", "www-data", "--init-groups", apache] + arguments,
    port: port, folder: folder, log: "apache.log", body)
}

private func apacheConfiguration(
  _ way: String, port: Int, _ folder: TemporaryFolder, _ further: String
) -> String {
  let path = folder.path
  let settings = [
    // It says of each process that it has started it.
    "fcgid": (
      ["fcgid"],
      "FcgidIPCDir \(path)/i\nFcgidProcessTableFile \(path)/shm\nLogLevel fcgid:info"
    ),
    "proxy": (["proxy", "proxy_fcgi"], ""),
    "cgi": (["cgid"], "ScriptSock \(path)/cgid"),
  ]
  let (modules, lines) = settings[way] ?? ([], "")
  let all = ["mpm_event", "authz_core", "authz_host", "alias", "env", "headers"] + modules
  return """
    ServerRoot \(path)
    ServerName localhost
    Listen 127.0.0.1:\(port)
    PidFile \(path)/apache.pid
    ErrorLog \(path)/apache.log
    \(all.map { "LoadModule \($0)_module /usr/lib/apache2/modules/mod_\($0).so" }
      .joined(separator: "\n"))
    \(lines)
    \(further)
    <Directory />
      Require all denied
    </Directory>
    <VirtualHost *>
      Include delve-webhook/\(way).conf
    </VirtualHost>
    """
}

private func withServer(
  _ program: String, _ arguments: [String], port: Int, folder: TemporaryFolder, log: String,
  _ body: @Sendable (WebServer) async throws -> Void
) async throws {
  _ = try await withProcess(program, arguments, log: "\(folder.path)/stderr.log") { process in
    let server = WebServer(
      base: "http://127.0.0.1:\(port)/webhooks/delve", port: port, folder: folder,
      process: process)
    let isUp = try await eventually {
      try await server.curl("health", []).head.hasPrefix("HTTP/1.1 ")
    }
    #expect(isUp, "\(folder.text(of: log)) \(folder.text(of: "stderr.log"))")
    try await body(server)
  }
}

/// The path of a system program, whose folder may not be on a user's PATH.
func systemProgram(_ name: String) async throws -> String {
  let script = #"PATH=$PATH:/usr/sbin; command -v "$1""#
  return String(try await command("sh", ["-c", script, "sh", name]).output.dropLast())
}
