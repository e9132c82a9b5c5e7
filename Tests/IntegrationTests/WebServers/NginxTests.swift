internal import Glibc
internal import StrictJSON
internal import TestSupport
internal import Testing

/// nginx's own part: its limits, its answers, its view of the sender.
@Suite(.noHang)
struct NginxTests {
  @Test func floodFromOneAddressIsAnsweredByNginxWithACodeWord() async throws {
    try await withResponder { responder in
      // One request a second is a limit that even a slow machine exceeds.
      try await withNginx(before: responder, rate: "1r/s") { server in
        // One curl sends one request after the other on one connection.
        let flood = try await command(
          "curl",
          [
            "-s", "-X", "POST", "-o", "\(server.folder.path)/answers/#1", "--create-dirs",
            "\(server.base)/export?n=[1-900]",
          ])
        #expect(flood.exitCode == 0)
        let answers = server.folder.files(below: "answers").map {
          server.folder.text(of: "answers/\($0)")
        }
        let codes = Dictionary(grouping: answers) { $0.contains("missing-authorization") }
        #expect(codes[true]?.count ?? 0 >= 500)
        #expect(codes[false]?.isEmpty == false)
        #expect(codes[false]?.allSatisfy { $0.contains(#""code":"rate-limited""#) } == true)
      }
    }
  }

  /// An IPv6 sender has a whole /64.
  @Test func addressesOfOneNetworkCountAsOne() async throws {
    let settings = "set_real_ip_from 127.0.0.1; real_ip_header X-Forwarded-For;"
    try await withResponder { (responder) async throws in
      try await withNginx(before: responder, serverSettings: settings, rate: "1r/s") {
        (server) async throws in
        func answer(to sender: String, _ query: String = "") async throws -> String {
          let result = try await command(
            "curl",
            [
              "-s", "-X", "POST", "-H", "X-Forwarded-For: \(sender)",
              "\(server.base)/export?n=\(query)",
            ])
          return result.output
        }
        #expect(try await answer(to: "2001:db8::1", "[1-900]").contains("rate-limited"))
        #expect(try await answer(to: "2001:db8::ffff:2", "[1-100]").contains("rate-limited"))
        #expect(try await answer(to: "2001:db8:0:1::1").contains("missing-authorization"))
        #expect(try await answer(to: "192.0.2.10").contains("missing-authorization"))
        // This address has a byte that a regular expression takes for a line break.
        #expect(try await answer(to: "2001:db8:0:a0a::1", "[1-900]").contains("rate-limited"))
        #expect(try await answer(to: "2001:db8:0:a0a::2", "[1-100]").contains("rate-limited"))
      }
    }
  }

  @Test func settingsOfTheBlocksAroundChangeNothing() async throws {
    let settings = """
      fastcgi_intercept_errors on; fastcgi_request_buffering off; fastcgi_pass_request_headers off;
      fastcgi_pass_request_body off; auth_basic "closed"; auth_basic_user_file /nonexistent;
      """
    let configuration = exampleConfiguration(settings: "body: match")
    try await withResponder(configuration: configuration) { responder in
      try await withNginx(before: responder, serverSettings: settings) { server in
        let mismatch = try await server.curl("export", try server.signed() + ["-d", "{}"])
        #expect(mismatch.head.hasPrefix("HTTP/1.1 400"), "\(mismatch)")
        #expect(mismatch.body.contains("body-mismatch"))
        _ = try await command("mv", ["\(server.folder.path)/spool", "\(server.folder.path)/aside"])
        let body = #"{"id":"212","kind":"export","status":"done"}"#
        let answer = try await server.curl("export", try server.signed() + ["-d", body])
        #expect(answer.head.hasPrefix("HTTP/1.1 503"), "\(answer)")
        #expect(answer.body.contains("spool-io"), "\(answer)")
      }
    }
  }

  @Test func responderThatIsGoneIsAnsweredWithACodeWord() async throws {
    try await withResponder { responder in
      try await withNginx(before: responder) { server in
        responder.process.send(signal: SIGTERM)
        #expect(try await eventually { responder.healthStatus() == nil })
        let answer = try await server.curl("export", try server.signed() + ["-d", "{}"])
        #expect(answer.head.hasPrefix("HTTP/1.1 503"))
        #expect(answer.head.contains("\r\nRetry-After: 30"))
        #expect(answer.body.contains(#""code":"responder-unreachable""#))
      }
    }
  }

  @Test func addressThatTheBalancerNamesIsKept() async throws {
    let text = String(
      decoding: try fileBytes("\(Repository.root)/nginx/real-ip.conf"), as: UTF8.self)
    #expect(text.contains("192.0.2.0/24"))
    let settings = text.replacing("192.0.2.0/24", with: "127.0.0.1")
    try await withResponder { responder in
      try await withNginx(before: responder, serverSettings: settings) { server in
        // The sender's claim comes first, the balancer's addition comes last.
        let answer = try await server.curl(
          "export",
          try server.signed() + ["-H", "X-Forwarded-For: 198.51.100.1, 203.0.113.9", "-d", "{}"])
        #expect(answer.head.hasPrefix("HTTP/1.1 202"))
        let name = try #require(server.storedEvents.first)
        let line = try fileBytes("\(server.folder.path)/spool/\(name)")
        let event = try #require(try JSONValue(parsing: line).object)
        #expect(event["remoteaddr"] == .string("203.0.113.9"))
      }
    }
  }
}
