internal import Foundation
internal import StrictJSON
internal import TestSupport
internal import Testing
internal import WebhookCore

/// The built `spool gaps`.
@Suite(.noHang)
struct SpoolGapsTests {
  /// The hour of all events here, long ago: what the spool remembers depends on no clock.
  private static let first = 1_790_000_000 / 3_600 * 3_600
  private static let since = "2026-09-21T14:30:00Z"

  private let site: SpoolSite

  init() throws {
    site = try SpoolSite()
  }

  private func gaps(_ arguments: String...) async throws -> CommandResult {
    try await site.delveWebhook(["spool", "gaps"] + arguments)
  }

  /// For each hook, its object.
  private func objects(_ arguments: String...) async throws -> [String: JSONObject] {
    let result = try await site.delveWebhook(
      ["spool", "gaps", "--since", Self.since, "--json"] + arguments)
    #expect(result.exitCode == 0, "\(result)")
    var objects: [String: JSONObject] = [:]
    for line in result.output.split(separator: "\n") {
      let object = try #require(try JSONValue(parsing: Array(line.utf8)).object)
      let hook = try #require(object["hook"]?.string)
      objects[String(decoding: hook, as: UTF8.self)] = object
    }
    return objects
  }

  /// Start, hours and ids of each period but the last, which ends now.
  private func periods(_ object: JSONObject?) -> [String] {
    (object?["periods"]?.array ?? []).dropLast().compactMap(\.object).map { period in
      func text(_ name: String) -> String {
        String(decoding: period[name]?.string ?? period[name]?.number ?? [], as: UTF8.self)
      }
      let ids = (period["ids"]?.array ?? []).map {
        String(decoding: $0.string ?? [], as: UTF8.self)
      }
      return "\(text("start")) \(text("hours")) \(text("events")) \(ids.joined(separator: " "))"
    }
  }

  /// Makes a genuine event, and remembers it in `ids` as the responder does.
  private func remember(id: String, hour: Int, in state: String? = nil) throws {
    let event = try exampleEvent(id: id, issuedAt: Int64(Self.first + hour * 3_600 + 59))
    let folder = event.fileName.description.prefix(11)
    try site.folder.write(event.line, to: "spool/acme/ids/\(folder)/\(event.id.hex)")
    if let state { try site.folder.write(event.line, to: "spool/acme/\(state)/\(event.fileName)") }
  }

  @Test func hoursWithoutADeliveryStandBesideThoseWith() async throws {
    // Before the hour of --since; handled; waiting and remembered; removed.
    try remember(id: "1", hour: -1)
    try remember(id: "2", hour: 1, in: "done/2026-09-21")
    try remember(id: "3", hour: 1, in: "defer")
    try remember(id: "4", hour: 3)
    // Long forgotten, and still there.
    try site.addEvents(1, from: 5, issuedFrom: Self.first + 3 * 3_600)
    let found = try await objects()
    #expect(
      periods(found["export-complete"])
        == [
          "2026-09-21T14:00:00Z 1 0 ", "2026-09-21T15:00:00Z 1 2 2 3",
          "2026-09-21T16:00:00Z 1 0 ", "2026-09-21T17:00:00Z 1 2 4 5",
        ])
    let export = try #require(found["export-complete"])
    let hours = try #require(export["hours"]?.integer)
    #expect(export["events"] == .number(4))
    #expect(export["emptyhours"] == .number(hours - 2))
    #expect(export["since"] == .string("2026-09-21T14:00:00Z"))
    #expect(export["until"] == export["periods"]?.array?.last?.object?["end"])
    #expect(found["scan-success"]?["emptyhours"] == .number(hours))
    #expect(found["scan-success"]?["periods"]?.array?.count == 1)
    #expect(found["other"] == nil)
  }

  @Test func idThatItsFilesNameDoesNotHaveIsReadFromTheFile() async throws {
    let long = String(repeating: "x", count: 70)
    for id in ["a/b", "a_b", long] { try remember(id: id, hour: 0, in: "new") }
    #expect(
      try await periods(objects()["export-complete"])
        == ["2026-09-21T14:00:00Z 1 3 a/b a_b \(long)"])
  }

  @Test func eventThatNoHookTakesIsListedToo() async throws {
    try site.folder.write(
      "{}".utf8,
      to: "spool/acme/new/20260921T141320Z-other-done-9-\(String(repeating: "a", count: 32)).json")
    // What is no event is none.
    try site.folder.write("{}".utf8, to: "spool/acme/ids/20260921T14/\(site.id(1))")
    try site.folder.write("{}".utf8, to: "spool/acme/new/a.json")
    let found = try await objects()
    #expect(periods(found["other"]) == ["2026-09-21T14:00:00Z 1 1 9"])
    #expect(found["export-complete"]?["events"] == .number(0))
  }

  @Test func tableFitsEightyColumnsAndCutsNoID() async throws {
    for number in 0..<60 { try remember(id: "\(39_800 + number)", hour: 0) }
    try remember(id: #"\u001b[2J|"#, hour: 1)
    let result = try await gaps("--since", Self.since)
    #expect(result.exitCode == 0)
    let lines = result.output.split(separator: "\n")
    #expect(lines.allSatisfy { $0.utf8.count <= 80 && $0.utf8.allSatisfy { $0 >= 0x20 } })
    for number in 0..<60 { #expect(result.output.contains("\(39_800 + number)")) }
    #expect(result.output.contains(#"2026-09-21 15:00  1      1       \u{1B}[2J|"#))
    #expect(result.output.contains("acme, export-complete: 61 events; "))
    #expect(
      result.errorOutput.wholeMatch(
        of: /delve-webhook: before .{16}, only events that still lie in the spool are known\n/)
        != nil)
  }

  /// By script(1): a bar, and rows that fit.
  @Test(arguments: [("xterm", 40), ("dumb", 40), ("xterm", 200)])
  func tableFitsTheTerminal(type: String, width: Int) async throws {
    for number in 0..<60 { try remember(id: "\(39_800 + number)", hour: 0) }
    let result = try await site.shell(
      "script -qec 'stty cols \(width); \"\(site.program)\" spool gaps --since \(Self.since) "
        + "2>/dev/null' /dev/null </dev/null", environment: ["TERM": type])
    let lines = result.output.replacing("\r\n", with: "\n").split(separator: "\n")
    // A cell of a date is not broken: the rows are as wide as that.
    let rows = lines.filter { !$0.hasPrefix("acme, ") }
    #expect(rows.count > 8)
    #expect(rows.allSatisfy { $0.utf8.count <= max(width, 50) })
    #expect(rows.contains { $0.utf8.count > width - 20 })
    #expect(!result.output.contains("\u{1B}"))
  }

  @Test func whatCannotBeAskedIsSaid() async throws {
    #expect(try await gaps().exitCode == 64)
    #expect(try await gaps("--since", "x").exitCode == 64)
    let future = try await gaps("--since", "2999-01-01")
    #expect(future.exitCode == 64)
    #expect(future.errorOutput == "delve-webhook: --since lies in the future\n")
    #expect(try await gaps("--since", "1d", "--instance", "beta").exitCode == 66)
  }
}
