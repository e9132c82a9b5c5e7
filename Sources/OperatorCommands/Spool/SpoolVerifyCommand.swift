internal import ArgumentParser
internal import CommandLineProgram
internal import EventSpool
internal import Glibc
internal import ServiceProcess
internal import StrictJSON
internal import WebhookConfiguration
internal import WebhookCore

/// `delve-webhook spool verify`
struct SpoolVerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify", abstract: "Check the proof in every event again.",
    discussion: """
      Each event carries the token that it came with. This checks, on all cores:

        1.  A key of the configuration, or of --keys, has signed the token.
        2.  \(names(EventAttribute.all(.isSigned))) and the file's name are what was signed.
        3.  instance is the name of the folder.
        4.  source is the configured url, # and the instance. With --keys, it ends in # and the instance.
        5.  xsignature, if there is one, begins with the token's algorithm.
        6.  No other attribute was added.

      If an instance's url has changed, use --keys for older events.

      Nobody signed \(names(EventAttribute.unproven)) and the key location in xsignature: changes \
      of them are not found.

      The spool may be in use. If an event moves meanwhile, it is looked for in the other folders, \
      and counted once. If it is removed meanwhile, it is counted separately.

      An event holds if all of this is so. Each one that does not is named on a line of its own.

      Exit code 0: every event holds; 1: an event does not hold, or a signal ended the check; 66: the \
      spool or a file of keys cannot be read.
      """)

  @OptionGroup var options: SpoolOptions

  @Option(
    help: ArgumentHelp(
      "Check with the keys in this file, in place of the configuration's. Repeatable.",
      valueName: "file"))
  var keys: [String] = []

  @Flag(help: "One JSON object a line: what does not hold, and the counts at the end.")
  var json = false

  func run() throws {
    try reportingErrors {
      let reader = try options.reader()
      let verifiers = try verifiers(in: reader)
      let instances = try options.instances(in: reader)
      guard reader.holdsAny(of: instances) else {
        throw CommandError.noInput("there is nothing to check")
      }
      // Before the threads that check, which are not to be ended by them.
      let signals = try StopSignals()
      func isStopped() -> Bool {
        signals.read()
        return signals.request.isMade
      }
      var verification = Verification(
        of: reader, by: verifiers, isStopped: isStopped
      ) { problem in
        if signals.mayWrite(to: STDOUT_FILENO) { report(problem) }
      }
      let counts = try verification.run(of: instances)
      if json { printJSON(counts.json) } else { printResult(counts.sentence) }
      if isStopped() { throw CommandError.negative("a signal ended the check before its end") }
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
