internal import Glibc
internal import TestSupport
internal import Testing
internal import WebhookConfiguration
internal import WebhookCore

struct KeyReportTests {
  private static let thumbprint = String(repeating: "A", count: 43)

  private func name() throws -> InstanceName { try #require(InstanceName("acme")) }

  @Test func whatIsWrittenIsReadBack() throws {
    let folder = try TemporaryFolder()
    let path = "\(folder.path)/acme.json"
    let keys = try TestKey.allCases.flatMap { try $0.verificationKeys.map(\.thumbprint) }
    for report in [KeyReport(newKeys: keys), KeyReport(newKeys: [])] {
      try report.write(to: path, name(), now: Timestamp(seconds: 1_790_000_000))
      #expect(try KeyReport(file: path) == report)
    }
    #expect(
      folder.text(of: "acme.json")
        == #"{"instance":"acme","checked":"2026-09-21T14:13:20.000Z","new":[]}"# + "\n")
    #expect(folder.files(below: ".") == ["acme.json"])
    var status = stat()
    #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o644)
    #expect(try KeyReport(file: "\(folder.path)/beta.json") == nil)
  }

  /// Whoever can make files in the folder must not choose which file is written.
  @Test func linkIsReplacedAndNotFollowed() throws {
    let folder = try TemporaryFolder()
    try folder.write("mine".utf8, to: "victim")
    for name in ["acme.json", ".acme.json.new"] {
      #expect(symlink("victim", "\(folder.path)/\(name)") == 0)
    }
    let report = KeyReport(newKeys: [])
    #expect(throws: (any Error).self) {
      try report.write(to: "\(folder.path)/acme.json", name(), now: Timestamp(seconds: 0))
    }
    #expect(unlink("\(folder.path)/.acme.json.new") == 0 || errno == ENOENT)
    try report.write(to: "\(folder.path)/acme.json", name(), now: Timestamp(seconds: 0))
    #expect(folder.text(of: "victim") == "mine")
    #expect(try KeyReport(file: "\(folder.path)/acme.json") == report)
  }

  @Test(arguments: [
    "", "[]", "{}", #"{"new":1}"#, #"{"new":[1]}"#, #"{"new":["x"]}"#, #"{"new":[]}x"#,
    #"{"new":["\#(thumbprint)","<b>"]}"#, #"{"new":[],"new":[]}"#,
    #"{"new":["\#(thumbprint)A"]}"#, #"{"new":["\#(thumbprint.dropLast())B"]}"#,
    #"{"new":[\#(Array(repeating: "\"\(thumbprint)\"", count: 33).joined(separator: ","))]}"#,
    #"{"new":[]\#(String(repeating: " ", count: 20_000))}"#,
  ])
  func whatIsNoReportIsRefused(text: String) throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(text.utf8, to: "acme.json")
    #expect(throws: ConfigurationError.self) { try KeyReport(file: path) }
  }

  @Test(.timeLimit(.minutes(90)))
  func whatIsNoFileIsNotWaitedForOrReadWithoutAnEnd() throws {
    let folder = try TemporaryFolder()
    #expect(mkfifo("\(folder.path)/pipe", 0o600) == 0)
    for path in ["\(folder.path)/pipe", "/dev/zero", folder.path] {
      #expect(throws: ConfigurationError.self) { try KeyReport(file: path) }
    }
  }
}
