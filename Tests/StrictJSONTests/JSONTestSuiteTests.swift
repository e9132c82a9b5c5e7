internal import Foundation
internal import StrictJSON
internal import TestSupport
internal import Testing

/// All of nst/JSONTestSuite's `test_parsing`, with the outcomes of a strict parser that refuses
/// duplicate members and allows 128 levels.
@Suite(.enabled(if: Repository.foreignVectors != nil, "no vectors: set DELVE_VECTORS"))
struct JSONTestSuiteTests {
  private static let folder = "\(Repository.foreignVectors ?? "")/jsontestsuite/test_parsing"
  private static let names =
    ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()

  private static func isAccepted(_ name: String) -> Bool {
    guard let text = try? fileBytes("\(folder)/\(name)") else { return false }
    return (try? JSONValue(parsing: text)) != nil
  }

  @Test func everyTextThatMustParseDoesButDuplicates() {
    let refused = Self.names.filter { $0.hasPrefix("y_") && !Self.isAccepted($0) }
    #expect(
      refused == [
        "y_object_duplicated_key.json", "y_object_duplicated_key_and_value.json",
      ])
    #expect(Self.names.count { $0.hasPrefix("y_") } == 95)
  }

  @Test func noTextThatMustNotParseDoes() {
    #expect(Self.names.filter { $0.hasPrefix("n_") && Self.isAccepted($0) } == [])
    #expect(Self.names.count { $0.hasPrefix("n_") } == 188)
  }

  @Test func whatIsUpToTheParserIsAcceptedForNumbersAlone() {
    let free = Self.names.filter { $0.hasPrefix("i_") }
    let accepted = free.filter(Self.isAccepted)
    #expect(free.count == 35)
    #expect(accepted.count == 10)
    #expect(accepted.allSatisfy { $0.hasPrefix("i_number_") })
  }
}
