internal import ArgumentParser
internal import CommandLineProgram
internal import Glibc
internal import StrictJSON
internal import WebhookConfiguration
internal import WebhookCore

/// `delve-webhook keys check`
struct KeysCheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Show each key's type, thumbprint and algorithms, or what is wrong with it.",
    discussion: """
      Checks every key file of the configuration, or only the files that you name. A key serves \
      those of its algorithms that the instance allows.

      Exit code 0: every key can be used; 78: a key cannot be used.
      """)

  @OptionGroup var options: ConfigurationOptions

  @Argument(
    help: ArgumentHelp("Key files (default: those of the configuration).", valueName: "file"))
  var files: [String] = []

  @Flag(help: "One JSON object a line.")
  var json = false

  func run() throws {
    try reportingErrors {
      let reports = files.isEmpty ? try configuredReports() : files.map { KeyFileReport(file: $0) }
      for report in reports { if json { printJSON(report.json) } else { report.printText() } }
      if !reports.allSatisfy(\.isUsable) { throw ExitCode(EX_CONFIG) }
    }
  }

  private func configuredReports() throws -> [KeyFileReport] {
    try options.settings().instances.flatMap { instance in
      instance.keyFiles.map { KeyFileReport(file: $0, of: instance) }
    }
  }
}

/// What is to be said of one key file.
private struct KeyFileReport {
  let file: String
  let instance: InstanceSettings?
  private let problem: String?
  private let keys: [VerificationKey]
  /// When each key was fetched, as far as the file says.
  private let days: [Thumbprint: String]
  /// Those of a set that cannot serve.
  private let skipped: [String]

  init(file: String, of instance: InstanceSettings? = nil) {
    self.file = file
    self.instance = instance
    do throws(ConfigurationError) {
      let content = try readKeyFile(file)
      keys = content.keys
      skipped = content.skipped.map { "key \($0.position) of the set: it \($0.reason.explanation)" }
      let set = try? keySetIfThere(file)
      days = content.keys.reduce(into: [:]) { days, key in
        days[key.thumbprint] = set?.dayFetched(key.thumbprint)
      }
      problem = nil
    } catch {
      (keys, days, skipped) = ([], [:], [])
      problem = error.message
    }
  }

  /// It can be read, and each of its keys serves an algorithm.
  var isUsable: Bool { problem == nil && keys.allSatisfy { !served(by: $0).isEmpty } }

  private func served(by key: VerificationKey) -> [String] {
    SignatureAlgorithm.allCases.filter { algorithm in
      key.serves(algorithm) && (instance.map { $0.algorithms.contains(algorithm) } ?? true)
    }.map(\.rawValue)
  }

  func printText() {
    printResult((instance.map { "\($0.name): " } ?? "") + printable(file))
    if let problem { return printResult("  WRONG: \(problem)") }
    for key in keys {
      let served = served(by: key)
      printResult(
        "  \(key.typeName)  \(key.thumbprint.text)  "
          + (served.isEmpty
            ? "SERVES NOTHING: its algorithms are not among the instance's"
            : "serves \(served.joined(separator: ", "))")
          + (days[key.thumbprint].map { ", fetched \($0)" } ?? ""))
    }
    for key in skipped { printResult("  skipped: \(key)") }
  }

  var json: JSONObject {
    [
      "file": .string(file), "instance": instance.map { .string("\($0.name)") },
      "problem": problem.map { .string($0) }, "keys": .array(keys.map { .object(json(of: $0)) }),
      "skipped": skipped.isEmpty ? nil : .array(skipped.map { .string($0) }),
    ]
  }

  private func json(of key: VerificationKey) -> JSONObject {
    [
      "type": .string(key.typeName), "thumbprint": .string(key.thumbprint.text),
      "serves": .array(served(by: key).map { .string($0) }),
      "fetched": days[key.thumbprint].map { .string($0) },
    ]
  }
}
