internal import ArgumentParser
internal import CommandLineProgram
internal import EventSpool
internal import Glibc
internal import StrictJSON
internal import WebhookConfiguration
internal import WebhookCore

/// `delve-webhook spool verify`
struct SpoolVerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify", abstract: "Check the proof in every event again.",
    discussion: """
      Each event carries the token that it came with. This checks, on all cores, that a key of the \
      configuration, or of --keys, has signed the token; that \(names(EventAttribute.all(.isSigned))) \
      and the file's name are what was signed; that instance is that of the folder; that source is \
      the configured url, # and the instance (with --keys, it has to end in # and the instance); that \
      xsignature, if there is one, begins with the token's algorithm; and that no other attribute \
      was added. If an instance's url has changed, use --keys for older events.

      Nobody signed \(names(EventAttribute.unproven)) and the key location in xsignature: changes of \
      them are not found.

      The spool may be in use. An event that is moved meanwhile is looked for in the other folders, \
      and counts once; one that is removed meanwhile is counted by itself.

      Names each event that does not hold, on a line of its own. Exit code 0: everything holds; \
      1: something does not.
      """)

  @OptionGroup var options: SpoolOptions

  @Option(help: "Check with the keys in this file, in place of the configuration's. Repeatable.")
  var keys: [String] = []

  @Flag(help: "One JSON object a line: what does not hold, and the counts at the end.")
  var json = false

  func run() throws {
    try reportingErrors {
      let reader = try options.reader()
      var verification = Verification(of: reader, by: try verifiers(in: reader), report: report)
      let counts = try verification.run(of: options.instances(in: reader))
      if json { printJSON(counts.json) } else { printResult(counts.sentence) }
      if counts.failed > 0 { throw ExitCode.failure }
    }
  }

  private func verifiers(in reader: SpoolReader) throws -> [InstanceName: Verification.Verifier] {
    guard keys.isEmpty else {
      let named = try keys.flatMap { file in
        do throws(ConfigurationError) {
          return try readKeyFile(file).keys
        } catch {
          throw CommandError.noInput(error.description)
        }
      }
      let verifier = Verification.Verifier(keys: named, url: nil)
      return Dictionary(uniqueKeysWithValues: try reader.instances().map { ($0, verifier) })
    }
    let instances = try options.configuration.loaded().instances
    return Dictionary(
      uniqueKeysWithValues: instances.map {
        ($0.name, Verification.Verifier(keys: $0.keys, url: $0.url))
      })
  }

  private func report(_ problem: Verification.Problem) {
    setExitCodeIfUnread(EXIT_FAILURE)
    if json {
      printJSON(["path": .string(problem.path), "problem": .string(problem.sentence)])
    } else {
      printResult("\(printable(problem.path)): \(problem.sentence)")
    }
  }
}

private func names(_ attributes: [EventAttribute]) -> String {
  attributes.map(\.rawValue).joined(separator: ", ")
}
