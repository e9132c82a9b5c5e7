internal import Foundation
internal import TestSupport
internal import Testing

/// The manual pages, those that are written and those that are made, and the completions that the
/// argument parser makes.
struct ManualTests {
  private static let programs = [("delve-webhook", "1"), ("delve-webhook-forward", "8")]

  private static func writtenPages() throws -> [Page] { try Page.written().filter(\.isManual) }

  /// The pages of the programs that were built.
  private static func madePages() async throws -> [Page] {
    var pages: [Page] = []
    for (program, section) in programs where try await Help.of(program) != nil {
      pages += try await Page.made(of: program, section: section)
    }
    return pages
  }

  private func page(_ name: String) async throws -> Page {
    let pages = try await Self.writtenPages() + Self.madePages()
    return try #require(pages.first { $0.name == name }, "\(name)")
  }

  private static func wellKnownNames() async throws -> Set<String> {
    let pages = try await writtenPages() + madePages()
    return Set(pages.map(\.name)).union(programs.map { "\($0.0).\($0.1)" })
  }

  @Test func everyPageIsWellFormed() async throws {
    let names = try await Self.wellKnownNames()
    let pages = try await Self.writtenPages() + Self.madePages()
    #expect(pages.count > 20)
    for page in pages {
      let lint = try await command("mandoc", ["-T", "lint"], input: page.text)
      // Whether a page is installed here is no fault of ours; but ours must be among ours.
      let faults = lint.output.split(separator: "\n").filter {
        !$0.contains("referenced manual not found") && !$0.contains("outdated mandoc.db")
      }
      #expect(faults == [], "\(page.name)")
      let formatted = try await command("groff", ["-mdoc", "-ww", "-z"], input: page.text)
      #expect(formatted.errorOutput == "", "\(page.name)")
      for reference in page.text.matches(of: /(?m)^\.(?:It )?Xr (delve-[a-z.-]+) (\d)/) {
        let other = "\(reference.1).\(reference.2)"
        #expect(names.contains(other), "\(page.name) refers to \(other)")
      }
      let emptySection = /(?m)^\.(?:Sh .*\n(?:\.Sh |\z)|Ss .*\n(?:\.S[hs] |\z))/
      #expect(!page.text.contains(emptySection), "\(page.name)")
    }
  }

  @Test(arguments: programs)
  func everyCommandHasItsPageAndNoPageIsWithoutACommand(
    program: String, section: String
  ) async throws {
    guard let help = try await Help.of(program) else { return }
    let names = [[]] + help.commands.map(\.words).filter { !$0.isEmpty }
    let wanted = names.map { ([program] + $0).joined(separator: "-") }
    let pages = try await Page.made(of: program, section: section)
    #expect(pages.map(\.name) == wanted.map { "\($0).\(section)" }.sorted())
    let supplements = try Page.supplements().filter {
      $0.hasPrefix("delve-webhook-forward") == (program == "delve-webhook-forward")
    }
    #expect(supplements.sorted() == wanted.sorted())
  }

  @Test(arguments: programs)
  func pageHasEveryOptionAndExitCodeOfTheHelp(program: String, section: String) async throws {
    guard let help = try await Help.of(program) else { return }
    let pages = try await Page.made(of: program, section: section)
    for (words, command) in help.commands {
      let name = "\(([program] + words).joined(separator: "-")).\(section)"
      let text = try #require(pages.first { $0.name == name }, "\(name)").text
      let items = text.split(separator: "\n").filter { $0.hasPrefix(".It ") }
      let words = Set(items.flatMap { $0.split(separator: " ") })
      for option in command.options.subtracting(["-h", "--help", "--version"]) {
        #expect(words.contains(option.dropFirst()), "\(name): \(option)")
      }
      #expect(!command.exitCodes.isEmpty, "\(name)")
      for code in command.exitCodes {
        #expect(items.contains(".It \(code)"), "\(name): \(code)")
      }
      for heading in ["EXIT STATUS", "EXAMPLES", "SEE ALSO"] {
        #expect(text.contains("\n.Sh \(heading)\n"), "\(name): \(heading)")
      }
    }
  }

  @Test func overviewHasEveryCommandAndEveryExitCode() async throws {
    let help = try #require(try await Help.of("delve-webhook"))
    let text = try await page("delve-webhook.1").text
    let listed = text.matches(of: /(?m)^\.It Xr (\S+) 1$/).map { String($0.1) }
    #expect(listed == help.commands.map { "delve-webhook-" + $0.words.joined(separator: "-") })
    // A plugin's are its own.
    for (words, command) in help.commands where words != ["monitor"] {
      for code in command.exitCodes {
        #expect(text.contains("\n.It \(code)\n"), "\(words): \(code)")
      }
    }
  }

  @Test func madePageHasTheDateThatIsAskedForAndIsMadeAlike() async throws {
    let pages = try await Page.made(of: "delve-webhook", section: "1", date: 1_795_000_000)
    let page = try #require(pages.first { $0.name == "delve-webhook-spool-run.1" })
    #expect(page.text.hasPrefix(".Dd November 18, 2026\n.Dt DELVE-WEBHOOK-SPOOL-RUN 1\n"))
    let again = try await Page.made(of: "delve-webhook", section: "1", date: 1_795_000_000)
    #expect(again.map(\.text) == pages.map(\.text))
  }

  @Test func pageOfTheResponderHasEveryOptionAndExitCodeOfItsHelp() async throws {
    let help = try await command(Repository.executable("delve-webhook-fcgi"), ["--help"]).output
    let text = try await page("delve-webhook-fcgi.8").text
    let options = Set(help.matches(of: /--([a-z-]+)/).map { String($0.1) })
    #expect(options.count >= 9)
    for option in options { #expect(text.contains("Fl -\(option)"), "\(option)") }
    let codes = try #require(help.components(separatedBy: "Exit codes:").last).matches(
      of: /\b\d+\b/)
    #expect(codes.count >= 5)
    for code in codes { #expect(text.contains("\n.It \(code.0)\n"), "\(code.0)") }
  }

  @Test func pageOfRunExplainsEveryVariableAndRecipe() async throws {
    let help = try #require(try await Help.of("delve-webhook"))
    let run = try #require(help.commands.first { $0.words == ["spool", "run"] }).command
    let variables = Set((run.discussion ?? "").matches(of: /DELVE_[A-Z_]+/).map { String($0.0) })
    let text = try await page("delve-webhook-spool-run.1").text
    let section = text.components(separatedBy: "\n.Sh ")
    let environment = try #require(section.first { $0.hasPrefix("THE COMMAND'S ENVIRONMENT") })
    let explained = environment.matches(of: /(?m)^\.It Ev (\S+)$/).map { String($0.1) }
    #expect(explained == variables.sorted())
    let recipes = try #require(section.first { $0.hasPrefix("RECIPES") })
    let listed = recipes.matches(of: /(?m)^\.It Pa (\S+)$/).map { String($0.1) }
    let there = try FileManager.default.contentsOfDirectory(
      atPath: "\(Repository.root)/Sources/delve-webhook/recipes")
    #expect(listed.sorted() == there.sorted())
  }

  // MARK: Commands in any page

  /// What the programs know; a program that was not built is missing.
  private func knowledge() async throws -> [String: Help.Command] {
    var known: [String: Help.Command] = [:]
    for (program, _) in Self.programs { known[program] = try await Help.of(program)?.program }
    let help = try await command(Repository.executable("delve-webhook-fcgi"), ["--help"]).output
    known["delve-webhook-fcgi"] = Help.Command(
      commandName: "delve-webhook-fcgi", discussion: nil, subcommands: nil,
      arguments: [
        .init(
          names: help.matches(of: /--([a-z-]+)/).map { .init(kind: "long", name: String($0.1)) })
      ])
    return known
  }

  private func faults(in lines: [String], _ known: [String: Help.Command]) -> [String] {
    lines.flatMap { line in
      DocumentedCommand.all(in: line).compactMap { command in
        known[command.program].flatMap(command.unknownWord).map { "\($0) in: \(line)" }
      }
    }
  }

  @Test func everyCommandThatAPageShowsIsKnown() async throws {
    let known = try await knowledge()
    let pages = try await Page.written() + Self.madePages()
    let lines = pages.map(\.shown)
    #expect(lines.joined().flatMap(DocumentedCommand.all).count > 60)
    for (page, lines) in zip(pages, lines) {
      #expect(faults(in: lines, known) == [], "\(page.name)")
    }
  }

  @Test(arguments: [
    "delve-webhook spool lst", "$ delve-webhook spool list --lsat 10",
    "runuser -u delve-webhook -- delve-webhook keys ftech acme",
    "DELVE_WEBHOOK_CONFIG=c.yaml delve-webhook config check --strict",
    "delve-webhook spool list --json | jq . | delve-webhook spool retry --everything",
    "ExecStart=/usr/bin/delve-webhook-fcgi --lisen unix:/run/s", "delve-webhook help spool rnu",
  ])
  func commandThatIsUnknownIsFound(line: String) async throws {
    let known = try await knowledge()
    #expect(faults(in: [line], known).count == 1)
  }

  @Test(arguments: [
    "$ delve-webhook spool list --last=10 --state dead", "delve-webhook spool run -- sh -c --odd",
    "apt-get install ./delve-webhook_0.2.0_amd64.deb", "systemctl restart delve-webhook --now",
    "delve-webhook send URL -i", "delve-webhook help spool run", "delve-webhook --version",
  ])
  func commandThatIsKnownIsNot(line: String) async throws {
    let known = try await knowledge()
    #expect(faults(in: [line], known) == [])
  }

  // MARK: Completions

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
