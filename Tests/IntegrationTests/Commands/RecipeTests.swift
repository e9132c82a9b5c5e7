internal import Foundation
internal import Glibc
internal import TestSupport
internal import Testing

/// The README's recipes, unchanged except for the paths.
@Suite(.timeLimit(.minutes(15)))
struct RecipeTests {
  let site: SpoolSite

  init() throws {
    site = try SpoolSite()
  }

  /// The shell block of the README that has this tag.
  private func recipe(_ tag: String) throws -> String {
    let readme = String(decoding: try fileBytes("\(Repository.root)/README.md"), as: UTF8.self)
    let block = try #require(readme.components(separatedBy: "\n```sh \(tag)\n").dropFirst().first)
    return try #require(block.components(separatedBy: "\n```\n").first)
      .replacing("/var/spool/delve-webhook", with: "\(site.path)/spool")
      .replacing("/var/log/delve-events.ndjson", with: "\(site.path)/events.ndjson")
      .replacing("delve-webhook spool run", with: "\(site.program) spool run")
  }

  @Test func plainLoopHandlesWhatIsNew() async throws {
    try site.addEvents(2)
    let result = try await site.shell(try recipe("loop"))
    #expect(result.exitCode == 0, "\(result)")
    #expect(
      result.output == """
        com.delvesecurity.export.done export/0
        com.delvesecurity.export.done export/1

        """)
    #expect(site.events.count == 2)
    #expect(site.events.allSatisfy { $0.hasPrefix("acme/done/\(site.today)/") })
  }

  @Test func eventsAreAppendedToAFile() async throws {
    try site.addEvents(2)
    let result = try await site.shell(try recipe("append"))
    #expect(result.exitCode == 0, "\(result)")
    let lines = site.text("events.ndjson").split(separator: "\n")
    #expect(lines.count == 2)
    #expect(lines[0].contains(#""subject":"export/0","data":{"id":"0""#))
  }

  @Test func mailIsSentWithTheEventsData() async throws {
    try site.addEvents(1)
    chmod(
      try site.folder.write(
        "#!/bin/sh\n{ echo \"$@\"; cat; } >> \(site.path)/sent\n".utf8, to: "bin/mail"), 0o755)
    let result = try await site.shell("PATH=\(site.path)/bin:$PATH\n\(try recipe("mail"))")
    #expect(result.exitCode == 0, "\(result)")
    #expect(
      site.text("sent").hasPrefix(
        "-s acme: com.delvesecurity.export.done export/0 ops@example.com\n{"))
  }

  /// A stand-in for the API checks the token, and says where the file lies.
  @Test func exportIsDownloadedOnceItIsDone() async throws {
    let name = try site.addEvents(1)[0]
    let handler = try site.folder.write(try recipe("export").utf8, to: "handler")
    chmod(handler, 0o755)
    try site.folder.write("Authorization: Bearer secret\n".utf8, to: "header")
    try site.folder.makeFolder("exports")
    let answer = "www/api/v2/exports/0"
    try site.folder.write(#"{"status":"running"}"#.utf8, to: answer)
    try site.folder.write("a,b\n1,2\n".utf8, to: "www/files/export.csv")
    let settings = #"if ($http_authorization != "Bearer secret") { return 401; }"#
    try await withHTTPSServer(in: site.folder, settings: settings) { port in
      let configuration = exampleConfiguration().replacing(
        "https://acme.delvesecurity.app", with: "https://localhost:\(port)")
      try site.folder.write(configuration.utf8, to: "config.yaml")
      let run =
        "API_HEADER=\(site.path)/header EXPORTS=\(site.path)/exports "
        + "CURL_CA_BUNDLE=\(site.path)/tls.pem \(site.program) spool run -- \(handler)"
      let early = try await site.shell(run)
      #expect(early.exitCode == 1, "\(early)")
      #expect(site.text("spool/acme/defer/\(name).state").contains(#""exit":75"#))
      try site.folder.write(
        #"{"status":"done","fileLocation":"/files/export.csv"}"#.utf8, to: answer)
      try site.makeDue(name)
      let late = try await site.shell(run)
      #expect(late.exitCode == 0, "\(late)")
      #expect(site.text("exports/\(site.id(0))") == "a,b\n1,2\n")
    }
  }
}
