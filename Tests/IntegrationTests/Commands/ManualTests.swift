internal import Foundation
internal import TestSupport
internal import Testing

/// The manual page that is written by hand, and the completions that the argument parser makes.
struct ManualTests {
  private let page = "\(Repository.root)/Sources/delve-webhook-fcgi/delve-webhook-fcgi.8"

  @Test func pageIsWellFormed() async throws {
    let result = try await command("mandoc", ["-T", "lint", "-W", "warning", page])
    #expect(result.exitCode == 0, "\(result.output)")
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
