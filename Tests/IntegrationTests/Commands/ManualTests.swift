internal import Foundation
internal import TestSupport
internal import Testing

/// The manual pages, those that are written and those that are made, and the completions that the
/// argument parser makes.
struct ManualTests {
  private static let written = [
    "EventSpool/delve-webhook-spool.5", "WebhookConfiguration/delve-webhook.yaml.5",
    "delve-webhook-fcgi/delve-webhook-fcgi.8",
  ]
  private static let made = [("delve-webhook", "1"), ("delve-webhook-forward", "8")]

  private let page = "\(Repository.root)/Sources/\(written[2])"

  private func text(ofWritten page: String) throws -> String {
    String(decoding: try fileBytes("\(Repository.root)/Sources/\(page)"), as: UTF8.self)
  }

  private func make(_ program: String, section: String, date: Int = 0) async throws -> String {
    let result = try await command(
      "\(Repository.root)/Sources/Packages/manual.py",
      [Repository.executable(program), section], environment: ["SOURCE_DATE_EPOCH": "\(date)"])
    #expect(result.exitCode == 0, "\(result.errorOutput)")
    return result.output
  }

  private func expectWellFormed(_ page: String) async throws {
    let lint = try await command("mandoc", ["-T", "lint"], input: page)
    // Whether a page is installed here is no fault of ours; but ours must be among ours.
    let faults = lint.output.split(separator: "\n").filter {
      !$0.contains("STYLE: referenced manual not found")
    }
    #expect(faults == [])
    let ours =
      Self.written.map { String($0.split(separator: "/")[1]) }
      + Self.made.map { "\($0).\($1)" }
    for reference in page.matches(of: /(?m)^\.Xr (delve-[a-z.-]+) (\d)/) {
      #expect(ours.contains("\(reference.1).\(reference.2)"))
    }
  }

  @Test(arguments: written)
  func writtenPageIsWellFormed(page: String) async throws {
    try await expectWellFormed(text(ofWritten: page))
  }

  @Test(arguments: made)
  func madePageIsWellFormed(program: String, section: String) async throws {
    guard FileManager.default.fileExists(atPath: Repository.executable(program)) else { return }
    try await expectWellFormed(make(program, section: section))
  }

  @Test func madePageHasEveryCommandOnceAndTheDateThatIsAskedFor() async throws {
    let page = try await make("delve-webhook", section: "1", date: 1_795_000_000)
    #expect(page.hasPrefix(".Dd November 18, 2026\n.Dt DELVE-WEBHOOK 1\n"))
    #expect(try await make("delve-webhook", section: "1", date: 1_795_000_000) == page)
    let lines = page.split(separator: "\n")
    for command in ["config check", "delve-json", "spool run", "keys fetch"] {
      #expect(lines.count { $0 == ".Ss \(command)" } == 1, "\(command)")
      #expect(lines.count { $0 == ".Ic \(command)" } == 1, "\(command)")
    }
    #expect(lines.contains(".It Fl -older-than Ar older-than"))
    #expect(lines.count { $0.contains("-help") } == 1)
    #expect(!page.contains("Ss help"))
    let codes = lines.drop { $0 != ".Sh EXIT STATUS" }.prefix { $0 != ".El" }
    #expect(codes.contains(".It 78") && codes.contains("wrong configuration"))
  }

  @Test func pageHasEveryOptionAndExitCodeOfTheHelp() async throws {
    let help = try await command(Repository.executable("delve-webhook-fcgi"), ["--help"]).output
    let text = String(decoding: try fileBytes(page), as: UTF8.self)
    let options = Set(help.matches(of: /--([a-z-]+)/).map { String($0.1) })
    #expect(options.count >= 9)
    for option in options { #expect(text.contains("Fl -\(option)"), "\(option)") }
    let codes = try #require(help.components(separatedBy: "Exit codes:").last).matches(
      of: /\b\d+\b/)
    #expect(codes.count >= 5)
    for code in codes { #expect(text.contains("\n.It \(code.0)\n"), "\(code.0)") }
  }

  @Test(arguments: ["bash", "zsh", "fish"])
  func completionsNameTheCommands(shell: String) async throws {
    let program = Repository.executable("delve-webhook")
    let result = try await command(program, ["--generate-completion-script", shell])
    #expect(result.exitCode == 0)
    for name in ["spool", "retry", "prune", "delve-json"] { #expect(result.output.contains(name)) }
    guard shell == "bash" else { return }
    #expect(try await command("bash", ["-n"], input: result.output).exitCode == 0)
  }
}
