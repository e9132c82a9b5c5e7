internal import Glibc
internal import TestSupport
internal import Testing

/// What a shell asks the built `delve-webhook` when somebody presses Tab.
@Suite(.noHang)
struct CompletionTests {
  let site: SpoolSite

  init() throws {
    site = try SpoolSite()
  }

  /// As the script for bash asks: the command's place, the index of the word, and the words.
  private func complete(
    _ command: [String], _ argument: String, _ words: [String], prefix: String = ""
  ) async throws -> CommandResult {
    try await site.shell(
      """
      SAP_SHELL=bash exec "$0" "$@"
      """.replacing("$0", with: site.program).replacing(
        "\"$@\"",
        with: (["---completion"] + command + ["--", argument, "\(words.count)", "\(prefix.count)"]
          + words + [prefix]).map { "'\($0)'" }.joined(separator: " ")))
  }

  @Test func instancesComeFromTheSpool() async throws {
    try site.addEvents(1, instance: "beta")
    let result = try await complete(
      ["spool", "list"], "--instance", ["delve-webhook", "spool", "list", "--instance"])
    #expect(result.output == "acme\nbeta\n", "\(result)")
    let some = try await complete(
      ["spool", "list"], "--instance", ["delve-webhook", "spool", "list", "--instance"], prefix: "b"
    )
    #expect(some.output == "beta\n", "\(some)")
  }

  @Test func idsComeFromTheSpool() async throws {
    try site.addEvents(2)
    try site.folder.write("x".utf8, to: "spool/acme/new/20261127T000000Z-a-b-c-$(rm -rf x).json")
    try site.folder.write(
      "x".utf8,
      to: "spool/acme/new/20261127T000000Z-a-b-c-\(String(repeating: "`", count: 32)).json")
    let words = ["delve-webhook", "spool", "show"]
    let all = try await complete(["spool", "show"], "positional@0", words)
    #expect(all.output == (0..<2).map { "\(site.id($0).prefix(32))\n" }.joined(), "\(all)")
    let one = try await complete(
      ["spool", "show"], "positional@0", words, prefix: String(site.id(1).prefix(26)))
    #expect(one.output == "\(site.id(1).prefix(32))\n", "\(one)")
  }

  @Test(arguments: [["--spool", "/nonexistent"], ["--config", "/nonexistent"], ["--spool=/etc"]])
  func spoolThatIsAwayOffersNothingSilently(options: [String]) async throws {
    for (command, argument) in [("list", "--instance"), ("show", "positional@0")] {
      let result = try await complete(
        ["spool", command], argument, ["delve-webhook", "spool", command] + options)
      #expect(result.errorOutput == "", "\(result)")
      #expect(result.output.trimmingPrefix("\n") == "", "\(result)")
    }
  }
}
