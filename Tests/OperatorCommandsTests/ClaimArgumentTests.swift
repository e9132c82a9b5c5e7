@testable internal import OperatorCommands
internal import StrictJSON
internal import Testing

struct ClaimArgumentTests {
  @Test(
    arguments: [
      ("exp=1790000000", "exp", .number(1_790_000_000)),
      ("n=1.50", "n", .number(Array("1.50".utf8))),
      ("a=true", "a", .boolean(true)), ("a=null", "a", .null), (#"a="1""#, "a", .string("1")),
      ("aud=[\"me\"]", "aud", .array([.string("me")])), ("a={}", "a", .object([:])),
    ] as [(String, String, JSONValue)])
  func jsonIsTakenAsItIs(argument: String, name: String, value: JSONValue) throws {
    let claim = try #require(ClaimArgument(argument: argument))
    #expect(claim.name == name)
    #expect(claim.value == value)
  }

  @Test(arguments: [
    ("aud=me", "aud", "me"), ("a=", "a", ""), ("a=b=c", "a", "b=c"), ("a= 1 2", "a", " 1 2"),
    ("a=01", "a", "01"), ("a=[", "a", "["), ("é=ü", "é", "ü"),
  ])
  func otherTextIsAString(argument: String, name: String, value: String) throws {
    let claim = try #require(ClaimArgument(argument: argument))
    #expect(claim.name == name)
    #expect(claim.value == .string(value))
  }

  @Test(arguments: ["", "=", "=x", "aud"])
  func claimNeedsANameAndAnEqualsSign(argument: String) {
    #expect(ClaimArgument(argument: argument) == nil)
  }
}
