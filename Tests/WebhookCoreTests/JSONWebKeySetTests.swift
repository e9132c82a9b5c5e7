internal import StrictJSON
internal import TestSupport
internal import Testing
internal import WebhookCore

struct JSONWebKeySetTests {
  private static let now = Timestamp(seconds: 1_790_000_000)

  private func elements(_ text: [UInt8]) throws -> [JSONObject] {
    try #require(try JSONValue(parsing: text).object?["keys"]?.array).compactMap(\.object)
  }

  @Test(arguments: TestKey.allCases)
  func addedKeyHasItsThumbprintAndTheDayAndIsReadBack(key: TestKey) throws {
    let added = try key.verificationKeys[0]
    var set = JSONWebKeySet()
    set.add(added, fetchedAt: Self.now)
    let object = try elements(set.text)[0]
    #expect(object["kid"] == .string(added.thumbprint.text))
    #expect(object["fetched"] == .string("2026-09-21"))
    let read = try JSONWebKeySet(parsing: set.text)
    #expect(read.keys.map(\.thumbprint) == [added.thumbprint])
    #expect(read.keys[0].algorithms == added.algorithms)
    #expect(read.dayFetched(added.thumbprint) == "2026-09-21")
    #expect(read.text == set.text)
  }

  @Test func everythingElseInTheFileStays() throws {
    let text = try testFile("Attacks/bad-keys/with-unknown-kty.jwks.json")
    let object = try #require(try JSONValue(parsing: text).object)
    let marked = JSONValue.object(object.appending("note", .string("kept"))).compactText
    var set = try JSONWebKeySet(parsing: marked)
    let before = try elements(marked)
    let added = try TestKey.otherP521.verificationKeys[0]
    set.add(added, fetchedAt: Self.now)
    #expect(try elements(set.text).dropLast() == before[...])
    #expect(try JSONValue(parsing: set.text).object?["note"] == .string("kept"))
    set.remove(added.thumbprint)
    #expect(try elements(set.text) == before)
    #expect(try JSONWebKeySet(parsing: set.text).keys.count == 1)
  }

  @Test func keyOfAPEMFileAndASingleJWKBecomeSets() throws {
    let key = try TestKey.p521.verificationKeys[0]
    for name in ["p521.pem", "p521.jwk.json"] {
      let set = try JSONWebKeySet(parsing: testFile("Attacks/keys/\(name)"))
      #expect(set.keys.map(\.thumbprint) == [key.thumbprint])
      #expect(set.dayFetched(key.thumbprint) == nil)
      #expect(try KeyFile(parsing: set.text).keys.map(\.thumbprint) == [key.thumbprint])
    }
  }

  @Test(arguments: ["yesterday", "2026-02-31", "2026-09-21T00:00:00Z", "\u{1B}[2J", ""])
  func whatIsNoDayIsNotShown(day: String) throws {
    let key = try TestKey.p521.verificationKeys[0]
    var set = JSONWebKeySet()
    set.add(key, fetchedAt: Self.now)
    let object = try elements(set.text)[0].removing("fetched").appending("fetched", .string(day))
    let text = JSONValue.object(["keys": .array([.object(object)])]).compactText
    #expect(try JSONWebKeySet(parsing: text).dayFetched(key.thumbprint) == nil)
  }

  /// A file that cannot be read must not be written anew.
  @Test func whatIsNoKeyFileIsNoSet() throws {
    for line in try testFile("Attacks/bad-keys.jsonl").split(separator: 0x0A) {
      let file = strings(try #require(try JSONValue(parsing: Array(line)).object)["file"])[0]
      let text = try testFile("Attacks/\(file)")
      let set = try? JSONWebKeySet(parsing: text)
      let keys = try? KeyFile(parsing: text)
      #expect(set?.keys.map(\.thumbprint) == keys?.keys.map(\.thumbprint), "\(file)")
      guard let set else { continue }
      #expect(try KeyFile(parsing: set.text).keys.count == set.keys.count, "\(file)")
    }
  }
}
