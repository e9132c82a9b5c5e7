internal import Glibc
internal import StrictJSON
internal import TestSupport
internal import Testing

/// nginx's own part: its limits, its answers, its view of the sender.
@Suite(.timeLimit(.minutes(2)))
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

  @Test func responderThatIsGoneIsAnsweredWithACodeWord() async throws {
    try await withResponder { responder in
      try await withNginx(before: responder) { server in
        responder.process.send(signal: SIGTERM)
        let isGone = try await eventually { responder.healthStatus() == nil }
        #expect(isGone)
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
