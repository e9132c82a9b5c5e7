@testable internal import EventForwarding
internal import Testing

struct EngineTests {
  // MARK: Which one

  @Test(arguments: [
    ("postgresql://db.example/events", "postgresql://"), ("postgres://db.example", "postgresql://"),
    ("https://hooks.example.com/x", "https://"), ("http://localhost:8080/", "https://"),
    ("HTTPS://hooks.example.com/x", "https://"),
  ])
  func addressIsTakenByItsScheme(address: String, first: String) {
    #expect(Engine.taking(address)?.schemes.first == first)
  }

  @Test(arguments: [
    "", "hooks.example.com", "https:", "https:/x", "ftp://x", "mysql://x", " https://x",
    "host=db.example", "postgresql:",
  ])
  func addressOfAnotherSchemeIsTakenByNone(address: String) {
    let isTaken = Engine.taking(address) != nil
    #expect(!isTaken)
  }

  @Test func noSchemeIsTakenByTwo() {
    let schemes = Engine.all.flatMap(\.schemes)
    #expect(Set(schemes).count == schemes.count)
  }

  // MARK: Options

  @Test func optionsAreThoseOfTheEngine() {
    #expect(Engine.taking("postgresql://db.example")?.options == [.prepare])
    #expect(Engine.taking("https://hooks.example.com")?.options == [.headerFile, .caFile])
  }

  @Test(arguments: Engine.Option.allCases)
  func everyOptionIsForSomeEngineAndNotForEvery(option: Engine.Option) {
    let count = Engine.all.count { $0.options.contains(option) }
    #expect((1..<Engine.all.count).contains(count))
  }

  @Test func schemesAreNamedForAMessage() {
    #expect(Engine.schemes() == "postgresql://… or https://…")
    #expect(Engine.schemes(with: .prepare) == "postgresql://…")
    #expect(Engine.schemes(with: .caFile) == "https://…")
  }
}
