internal import Glibc
internal import TestSupport
internal import Testing

/// Runs an nginx with a certificate of its own, `tls.pem`, which serves the files in the folder's
/// `www`. `settings` are further lines of its server block.
func withHTTPSServer(
  in folder: TemporaryFolder, settings: String = "",
  _ body: @Sendable (_ port: Int) async throws -> Void
) async throws {
  let port = try freePort()
  let made = try await command(
    "openssl",
    [
      "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
      "1",
      "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout",
      "\(folder.path)/tls.key", "-out", "\(folder.path)/tls.pem",
    ])
  #expect(made.exitCode == 0)
  let paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map {
    "\($0)_temp_path \(folder.path)/t-\($0);"
  }
  let configuration = """
    \(getuid() == 0 ? "user root;" : "")
    daemon off; pid \(folder.path)/nginx.pid; error_log \(folder.path)/nginx.log; events { }
    http {
      access_log off; \(paths.joined(separator: " "))
      server {
        listen 127.0.0.1:\(port) ssl;
        ssl_certificate \(folder.path)/tls.pem; ssl_certificate_key \(folder.path)/tls.key;
        root \(folder.path)/www;
        location = /moved { return 302 /api/webhook.key; }
        \(settings)
      }
    }
    """
  try folder.write(configuration.utf8, to: "nginx.conf")
  let log = "\(folder.path)/nginx.log"
  _ = try await withProcess(
    try await systemProgram("nginx"), ["-e", log, "-c", "\(folder.path)/nginx.conf"], log: log
  ) { _ in
    let isUp = try await eventually {
      try await command("curl", ["-ks", "https://localhost:\(port)/"]).exitCode == 0
    }
    #expect(isUp, "nginx does not answer: \(folder.text(of: "nginx.log"))")
    try await body(port)
  }
}
