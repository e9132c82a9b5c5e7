internal import Glibc
internal import StrictJSON
internal import TestSupport
internal import Testing

/// A real nginx with the very snippets of `nginx/`, in front of the built responder.
@Suite(.timeLimit(.minutes(2)))
struct NginxTests {
  private struct Server: Sendable {
    let base: String
    let responder: ResponderUnderTest

    /// What curl says of a request: the answer's head and its body.
    func curl(_ path: String, _ options: [String]) async throws -> (head: String, body: String) {
      let result = try await command("curl", ["-s", "-i", "\(base)/\(path)"] + options)
      let parts = result.output.replacing("HTTP/1.1 100 Continue\r\n\r\n", with: "")
        .split(separator: "\r\n\r\n", maxSplits: 1).map(String.init)
      return (parts.first ?? "", parts.count > 1 ? parts[1] : "")
    }

    /// The header fields of a good delivery, as curl's options.
    func signed(id: String = "212") throws -> [String] {
      let token = try nowAuthorization(id: id)
      return [
        "-H", "Authorization: \(String(decoding: token, as: UTF8.self))",
        "-H", "X-Signature: ES512 /api/webhook.key",
      ]
    }
  }

  private func withServer(
    configuration: String = exampleConfiguration(),
    _ body: @Sendable (Server) async throws -> Void
  ) async throws {
    try await withResponder(configuration: configuration) { responder in
      let folder = responder.folder
      let port = try freePort()
      for name in ["http.conf", "delivery.conf", "instance.conf", "locations.conf"] {
        try folder.write(
          fileBytes("\(Repository.root)/nginx/\(name)"), to: "delve-webhook/\(name)")
      }
      let configuration = """
        \(getuid() == 0 ? "user root;" : "")
        daemon off;
        pid \(folder.path)/nginx.pid;
        error_log \(folder.path)/nginx.log;
        events { }
        http {
          access_log off;
          client_body_temp_path \(folder.path)/t1; proxy_temp_path \(folder.path)/t2;
          fastcgi_temp_path \(folder.path)/t3; uwsgi_temp_path \(folder.path)/t4;
          scgi_temp_path \(folder.path)/t5;
          include delve-webhook/http.conf;
          upstream delve_webhook { server unix:\(responder.socket) max_fails=0; }
          server {
            listen 127.0.0.1:\(port);
            include delve-webhook/locations.conf;
          }
        }
        """
      try folder.write(configuration.utf8, to: "nginx.conf")
      let nginx = try await command("sh", ["-c", "PATH=$PATH:/usr/sbin command -v nginx"]).output
      _ = try await withProcess(
        String(nginx.dropLast()),
        ["-e", "\(folder.path)/nginx.log", "-c", "\(folder.path)/nginx.conf"],
        log: "\(folder.path)/nginx.log"
      ) { _ in
        let server = Server(base: "http://127.0.0.1:\(port)/webhooks/delve", responder: responder)
        let isUp = try await eventually {
          try await server.curl("health", []).head.hasPrefix("HTTP/1.1 ")
        }
        #expect(isUp, "\(folder.text(of: "nginx.log"))")
        try await body(server)
      }
    }
  }

  @Test func deliveryIsStoredWithItsPathAndItsSender() async throws {
    try await withServer { server in
      let answer = try await server.curl(
        "exports/111-1221?x=1", try server.signed() + ["-d", "{}"])
      #expect(answer.head.hasPrefix("HTTP/1.1 202 Accepted"))
      let name = try #require(server.responder.storedEvents.first)
      let line = try fileBytes("\(server.responder.folder.path)/spool/\(name)")
      let event = try #require(try JSONValue(parsing: line).object)
      #expect(event["requesturi"] == .string("/webhooks/delve/exports/111-1221?x=1"))
      #expect(event["remoteaddr"] == .string("127.0.0.1"))
      #expect(event["hook"] == .string("export-complete"))
      let again = try await server.curl(
        "success", try server.signed(id: "213") + ["-d", "{}"])
      #expect(again.head.hasPrefix("HTTP/1.1 422 Unprocessable Content"))
    }
  }

  @Test func secondXSignatureIsSeenThroughNginx() async throws {
    try await withServer { server in
      let options = try server.signed() + ["-H", "X-Signature: none", "-d", "{}"]
      let answer = try await server.curl("export", options)
      #expect(answer.head.hasPrefix("HTTP/1.1 400"))
      #expect(answer.body.contains("malformed-x-signature"))
    }
  }

  @Test func headersOfTheSenderChooseNothing() async throws {
    try await withServer { server in
      let options =
        try server.signed() + [
          "-H", "Delve-Instance: other", "-H", "Delve-Hook: health", "-H", "Proxy: http://x",
          "-d", "{}",
        ]
      let answer = try await server.curl("export", options)
      #expect(answer.head.hasPrefix("HTTP/1.1 202"))
    }
  }

  @Test func otherMethodIsAnsweredWithTheAllowedOne() async throws {
    try await withServer { server in
      let answer = try await server.curl("export", [])
      #expect(answer.head.hasPrefix("HTTP/1.1 405 Method Not Allowed"))
      #expect(answer.head.contains("\r\nAllow: POST"))
    }
  }

  @Test func bodyOverTheLimitIsAnsweredByTheResponder() async throws {
    try await withServer { server in
      let large = try server.responder.folder.write(
        [UInt8](repeating: 0x20, count: 65_537), to: "large")
      for encoding in ["Content-Length: 65537", "Transfer-Encoding: chunked"] {
        let options = try server.signed() + ["--data-binary", "@\(large)", "-H", encoding]
        let answer = try await server.curl("export", options)
        #expect(answer.head.hasPrefix("HTTP/1.1 413"), "\(encoding)")
        #expect(answer.body.contains("body-too-large"), "\(encoding)")
      }
      #expect(server.responder.storedEvents == [])
    }
  }

  @Test func floodFromOneAddressIsAnsweredByNginxWithACodeWord() async throws {
    try await withServer { server in
      // One curl, one connection, a request after the other.
      let flood = try await command(
        "curl",
        [
          "-s", "-X", "POST", "-o", "\(server.responder.folder.path)/answers/#1", "--create-dirs",
          "\(server.base)/export?n=[1-900]",
        ])
      #expect(flood.exitCode == 0)
      let answers = server.responder.folder.files(below: "answers").map {
        server.responder.folder.text(of: "answers/\($0)")
      }
      let codes = Dictionary(grouping: answers) { $0.contains("missing-authorization") }
      #expect(codes[true]?.count ?? 0 >= 500)
      #expect(codes[false]?.isEmpty == false)
      #expect(codes[false]?.allSatisfy { $0.contains(#""code":"rate-limited""#) } == true)
    }
  }

  @Test func refusalOfTheSpoolPassesThroughNginxAsItIs() async throws {
    let full = exampleConfiguration().replacing(
      "minimum-free-bytes: 0", with: "minimum-free-bytes: \(Int.max)")
    try await withServer(configuration: full) { server in
      // Its health check says 503, too: the server is up when it answers at all.
      let answer = try await server.curl("export", try server.signed() + ["-d", "{}"])
      #expect(answer.head.hasPrefix("HTTP/1.1 503"))
      #expect(answer.head.contains("\r\nRetry-After: 30"))
      #expect(answer.body.contains(#""code":"spool-full""#))
    }
  }

  @Test func responderThatIsGoneIsAnsweredAsUnavailable() async throws {
    try await withServer { server in
      server.responder.process.send(signal: SIGTERM)
      let isGone = try await eventually { server.responder.healthStatus() == nil }
      #expect(isGone)
      let answer = try await server.curl("export", try server.signed() + ["-d", "{}"])
      #expect(answer.head.hasPrefix("HTTP/1.1 503"))
      #expect(answer.head.contains("\r\nRetry-After: 30"))
      #expect(answer.body.contains(#""code":"responder-unreachable""#))
    }
  }
}
