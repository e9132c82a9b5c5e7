internal import ArgumentParser
internal import CommandLineProgram
internal import Glibc
internal import LinuxSystem
internal import ServiceProcess
internal import WebhookConfiguration
internal import WebhookCore

/// `delve-webhook keys fetch`
struct KeysFetchCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fetch",
    abstract: "Fetch an instance's key over HTTPS, and add it beside the old ones.",
    discussion: """
      Asks the configured url for the configured key-location, checks the answer, and shows which \
      keys are new. If you confirm, they are added to the instance's first key file. The file is \
      made if it is missing. It becomes a JWK Set, whatever its name. Each new key has its \
      thumbprint as its kid, and the day on which it was fetched. A key that serves none of the \
      instance's algorithms is shown and never added. The old keys stay, so that a delivery on its \
      way is not refused; `keys remove` removes them later. A running responder reads the changed \
      file by itself.

      With --check, nothing is added. The service of delve-webhook-keys.timer runs this once a day \
      for all instances, with --report.

      Exit code 0: no key is new; 1: a key is new, and was not added: nobody confirmed it, or it \
      serves no algorithm of the instance; 2: a key is new, and was added, or with --check would \
      be; 69: an instance did not answer with keys; 73: a file cannot be written.
      """)

  @OptionGroup var options: ConfigurationOptions

  @Argument(help: "The instance's name (with --check, default: all instances).")
  var instance: String?

  @OptionGroup var fetching: KeyFetchingOptions

  @Flag(help: "Only look: change no key file.")
  var check = false

  @Flag(
    help: ArgumentHelp(
      "With --check, report to the log, and to the responder by a file in the folder key-reports, "
        + "in place of standard output."))
  var report = false

  func validate() throws {
    guard check || instance != nil else {
      throw ValidationError("Name an instance, or pass --check.")
    }
    guard check || !report else { throw ValidationError("--report needs --check.") }
  }

  func run() async throws {
    try await reportingErrors {
      let settings = try options.settings()
      guard check else { return try await add(to: chosenInstances(of: settings)[0]) }
      try await look(at: chosenInstances(of: settings), settings)
    }
  }

  private func chosenInstances(of settings: Settings) throws -> [InstanceSettings] {
    guard let instance else { return settings.instances }
    guard let match = settings.instances.first(where: { $0.name.description == instance }) else {
      throw CommandError.usage(
        "no instance called \(printable(instance)); configured: "
          + settings.instances.map(\.name.description).joined(separator: ", "))
    }
    return [match]
  }

  // MARK: Adding

  private func add(to settings: InstanceSettings) async throws {
    // An instance has at least one.
    let file = settings.keyFiles[0]
    let known = try knownKeys(of: settings)
    let new = try await newKeys(of: settings, known)
    show(known, new)
    guard !new.isEmpty else { return printResult("nothing new") }
    guard !new.useful.isEmpty else { throw ExitCode.failure }
    guard known.count + new.useful.count <= maximumKeysPerInstance else {
      throw CommandError.negative(
        "\(settings.name) would have \(known.count + new.useful.count) keys, and the responder takes "
          + "\(maximumKeysPerInstance): take old ones away with delve-webhook keys remove")
    }
    let count = new.useful.count == 1 ? "the new key" : "the \(new.useful.count) new keys"
    guard fetching.isConfirmed("Add \(count) to \(printable(file))") else { throw ExitCode.failure }
    try changeKeySet(file) { keys in
      // Another one may have added them meanwhile.
      let there = Set(keys.keys.map(\.thumbprint))
      for key in new.useful where !there.contains(key.thumbprint) {
        keys.add(key, fetchedAt: .now())
      }
    }
    printChange("added to \(printable(file))")
    throw ExitCode(new.useless.isEmpty ? newsExitCode : EXIT_FAILURE)
  }

  private func show(_ known: [VerificationKey], _ new: NewKeys) {
    for key in known { printKey("  known", key) }
    for key in new.useful { printKey("  NEW  ", key) }
    for key in new.useless {
      printKey("  NEW  ", key)
      printError(
        "\(key.thumbprint.text) serves none of the instance's algorithms, and is not added: it can "
          + "serve \(key.algorithms.map(\.rawValue).sorted().joined(separator: ", "))")
    }
  }

  // MARK: Looking

  /// Every instance is looked at, also if an earlier one does not answer.
  private func look(at instances: [InstanceSettings], _ all: Settings) async throws {
    var failure: (any Error)?
    var found = NewKeys()
    let log = Log(environment: .ofProcess())
    for settings in instances {
      do {
        let known = try knownKeys(of: settings)
        let new = try await newKeys(of: settings, known)
        if report {
          try tell(new, of: settings, all, log)
        } else {
          show(known, new)
          printResult("\(settings.name): \(new.isEmpty ? "nothing new" : "new keys")")
        }
        found.useful += new.useful
        found.useless += new.useless
      } catch {
        if let failure { printError("\(programName): \(failure)") }
        failure = error
      }
    }
    Log.flush()
    if let failure { throw failure }
    guard found.useless.isEmpty else { throw ExitCode.failure }
    if !found.isEmpty { throw ExitCode(newsExitCode) }
  }

  private func tell(
    _ new: NewKeys, of settings: InstanceSettings, _ all: Settings, _ log: Log
  ) throws {
    for (keys, sentence) in [
      (
        new.useful,
        "a key of the instance is not configured: compare its thumbprint with the vendor's, then "
          + "delve-webhook keys fetch"
      ),
      (
        new.useless,
        "a key of the instance serves none of its algorithms: see algorithms in the configuration"
      ),
    ] {
      for key in keys {
        log.write(
          .warning, sentence,
          [
            "instance": .text("\(settings.name)"), "key": .text(key.thumbprint.text),
            "type": .text(key.typeName),
          ])
      }
    }
    if new.isEmpty {
      log.write(.info, "no new key", ["instance": .text("\(settings.name)")])
    }
    let path = KeyReport.path(of: settings.name, all)
    do throws(SystemError) {
      // A key that serves nothing is never added, so the status page does not ask for it.
      try KeyReport(newKeys: new.useful.map(\.thumbprint))
        .write(to: path, settings.name, now: .now())
    } catch  where error.errno == ENOENT {
      throw CommandError(
        "\(printable(all.keyReports)): there is no such folder: make it, for the user that runs "
          + "this, or let key-reports of the configuration name another",
        exitCode: EX_CANTCREAT)
    } catch {
      throw CommandError(cannotWrite: error)
    }
  }

  // MARK: Keys

  private func knownKeys(of settings: InstanceSettings) throws -> [VerificationKey] {
    try settings.keyFiles.enumerated().flatMap { index, file in
      // The first one is made if need be.
      index == 0 ? try keySetIfThere(file).keys : try readKeyFile(file).keys
    }
  }

  private struct NewKeys {
    var useful: [VerificationKey] = []
    /// They serve none of the instance's algorithms.
    var useless: [VerificationKey] = []

    var isEmpty: Bool { useful.isEmpty && useless.isEmpty }
  }

  private func newKeys(
    of settings: InstanceSettings, _ known: [VerificationKey]
  ) async throws -> NewKeys {
    var seen = Set(known.map(\.thumbprint))
    var new = NewKeys()
    for key in try await fetching.fetchKeys(of: settings, isQuiet: report)
    where seen.insert(key.thumbprint).inserted {
      if settings.algorithms.contains(where: key.serves) {
        new.useful.append(key)
      } else {
        new.useless.append(key)
      }
    }
    return new
  }
}
