internal import Foundation
internal import Glibc
internal import TestSupport
internal import Testing

/// A server that speaks PostgreSQL's protocol, and says what PostgreSQL would not.
@Suite(.noHang)
struct OddServerTests {
  private let site: SpoolSite

  init() throws {
    site = try SpoolSite()
    try site.addEvents(1)
  }

  /// libpq gives a COPY as the result of a statement again and again, without an end.
  @Test(arguments: ["G", "H", "W"])
  func copyThatNobodyHasAskedForIsTakenForAServerThatIsAway(kind: Character) async throws {
    let socket = try HeldSocket(path: "\(site.path)/.s.PGSQL.5432")
    Thread.detachNewThread {
      while true {
        let client = accept(socket.descriptor, nil, nil)
        if client < 0 { return }
        answer(client, accepted)
        answer(client, message(kind, [0, 0, 0]))
      }
    }
    let result = try await site.forward(
      to: "postgresql:///events?host=\(site.path)&user=test&sslmode=disable")
    #expect(
      result.exitCode == 69 && result.errorOutput.contains("answers with a COPY"), "\(result)")
    #expect(site.count("new") == 1)
  }
}

/// Says this once the client has said something.
private func answer(_ client: Int32, _ bytes: [UInt8]) {
  var question = [UInt8](repeating: 0, count: 65_536)
  guard recv(client, &question, question.count, 0) > 0 else { return }
  _ = bytes.withUnsafeBytes { send(client, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
}

/// A message of the server (PostgreSQL's manual, §55.7).
private func message(_ kind: Character, _ content: [UInt8]) -> [UInt8] {
  [kind.asciiValue ?? 0, 0, 0, 0, UInt8(content.count + 4)] + content
}

/// AuthenticationOk and ReadyForQuery.
private let accepted = message("R", [0, 0, 0, 0]) + message("Z", [UInt8(ascii: "I")])
