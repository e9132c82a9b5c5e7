internal import StrictJSON
internal import TestSupport
internal import Testing

/// The token in the vendor's article, with each of the two keys that can be recovered from it.
@Suite(.noHang)
struct VendorTokenTests {
  private static let issuedAt: Int64 = 1_598_539_392  // 2020-08-27T14:43:12Z

  private func deliver(candidate: Int, at clock: Int64) async throws -> (
    code: String, files: [String]
  ) {
    let token = try testFile("sample/token.txt").filter { $0 != 0x0A }
    let configuration = """
      spool: spool
      minimum-free-bytes: 0
      instances:
        acme:
          url: https://acme.delvesecurity.app
          keys: [\(Repository.root)/Tests/sample/candidate-\(candidate).pem]
      """
    return try await withResponder(configuration: configuration, clock: clock) { responder in
      let response = try responder.deliver(
        authorization: Array("Signed ".utf8) + token,
        xSignature: Array("'ES512 /api/webhook.key".utf8), hook: "export-complete")
      return (response.text, responder.storedEvents)
    }.0
  }

  @Test(arguments: [1, 2])
  func tokenOfTheArticleIsStoredOnTheDayItWasIssued(candidate: Int) async throws {
    let (answer, files) = try await deliver(candidate: candidate, at: Self.issuedAt)
    let id = "5029a0ae12d11e79cfa191821f6c8231604347c29c06446a719bedf8cd958db5"
    #expect(answer == #"{"code":"stored","id":"\#(id)"}"# + "\n")
    #expect(files == ["acme/new/20200827T144312Z-export-done-214-\(id.prefix(32)).json"])
  }

  @Test func tokenOfTheArticleIsStaleSixMinutesLater() async throws {
    let (answer, files) = try await deliver(candidate: 1, at: Self.issuedAt + 301)
    #expect(answer.contains(#""code":"stale""#))
    #expect(files == [])
  }
}
