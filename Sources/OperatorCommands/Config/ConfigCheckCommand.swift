internal import ArgumentParser
internal import CommandLineProgram
internal import EventSpool
internal import Glibc
internal import LinuxSystem
internal import WebhookConfiguration
internal import WebhookCore

/// `delve-webhook config check`
struct ConfigCheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Report everything that would keep the responder from starting or storing.",
    discussion: """
      Checks the configuration file, every key, the spool's permissions, layout and file system, \
      and whether the clock is synchronised. Prints everything that is wrong, by line, or what was \
      checked. Changes nothing. Run it as the responder's user: the permissions are checked for \
      the user that runs it.

      Exit code 0: good, perhaps with warnings; 78: something is wrong.
      """)

  @OptionGroup var options: ConfigurationOptions

  func run() throws {
    try reportingErrors {
      let reading = try SettingsReading(file: options.path)
      var problems = reading.problems.sorted { ($0.line ?? 0) < ($1.line ?? 0) }.map(\.description)
      if reading.countOfOthers > 0 { problems.append("and \(reading.countOfOthers) more") }
      problems += keyProblems(reading.instances)
      guard let settings = reading.settings else { throw wrong(problems) }
      var configuration: Configuration?
      do throws(ConfigurationError) {
        configuration = try Configuration(settings)
      } catch  where problems.isEmpty {
        problems.append(error.description)
      } catch {}  // it is told already
      problems += spoolProblems(settings)
      let warnings = (configuration?.warnings ?? []) + warnings(settings)
      defer { for warning in warnings { printError("warning: \(printable(warning))") } }
      guard problems.isEmpty, let configuration else { throw wrong(problems) }
      printResult("\(printable(options.path)): good")
      for fact in facts(configuration, reading.lines) { printResult("  \(fact)") }
    }
  }

  /// Tells the problems.
  /// - Returns: what ends the command.
  private func wrong(_ problems: [String]) -> CommandError {
    for problem in problems { printError("wrong: \(problem)") }
    return .configuration("\(printable(options.path)): the responder would not start")
  }

  /// What was looked at, and found good.
  private func facts(_ configuration: Configuration, _ lines: SettingLines) -> [String] {
    let settings = configuration.settings
    var facts = configuration.instances.map { instance in
      let keys = instance.keys.count == 1 ? "1 key" : "\(instance.keys.count) keys"
      let served = instance.usableAlgorithms.map(\.rawValue).sorted()
      return "instance \(instance.name): \(keys), for "
        + (served.isEmpty ? "none of its algorithms" : served.joined(separator: ", "))
    }
    let count = settings.values.count
    let defaults = settings.values.count { lines.top[$0.key] == nil }
    facts.append("\(count) settings for all, \(defaults) of them by default: see config show")
    facts.append("spool: \(printable(settings.spool)), as the user \(userName(geteuid()))")
    if let free = try? SpoolReader(path: settings.spool).freeSpace().bytes {
      facts.append("free there: \(ByteSize(bytes: free).words)")
    }
    if let isRight = isClockSynchronised() {
      facts.append("clock: \(isRight ? "" : "not ")synchronised")
    }
    return facts
  }

  private func keyProblems(_ instances: [InstanceSettings]) -> [String] {
    var seen: Set<String> = []
    return instances.flatMap { instance in
      instance.keyFiles.filter { seen.insert($0).inserted }.compactMap { file in
        do throws(ConfigurationError) {
          _ = try instance.keyFile(at: file)
          return nil
        } catch {
          return error.description
        }
      }
    }
  }

  private func spoolProblems(_ settings: Settings) -> [String] {
    var problems: [String] = []
    for instance in settings.instances {
      do throws(SpoolError) {
        try InstanceSpool.check(instance.name, in: settings.spool)
      } catch  where error.isForeignOwner {
        // The responder runs as its owner, perhaps; `warnings` says so.
      } catch {
        let problem = "spool: \(error.explanation)"
        if !problems.contains(problem) { problems.append(problem) }
      }
    }
    return problems
  }

  /// The spool's owner; nil if that is who runs this.
  private func foreignOwner(of settings: Settings) -> String? {
    for path in settings.instances.map({ "\(settings.spool)/\($0.name)" }) + [settings.spool] {
      var status = stat()
      guard stat(path, &status) == 0 else { continue }
      return status.st_uid == geteuid() ? nil : userName(status.st_uid)
    }
    return nil
  }

  private func warnings(_ settings: Settings) -> [String] {
    var warnings: [String] = []
    let reader = try? SpoolReader(path: settings.spool)
    if let problem = reader?.spaceProblem(minimumFreeBytes: settings.minimumFreeBytes) {
      warnings.append(
        "\(problem.message): every delivery would be answered with 503 spool-full; "
          + problem.remedy)
    }
    if let owner = foreignOwner(of: settings) {
      warnings.append(
        "this holds for the user \(userName(geteuid())); the spool belongs to \(owner): run it as "
          + "that user (runuser -u \(owner) -- delve-webhook config check)")
    }
    if let unit = ServiceUnit() {
      if ServiceUnit.cannotServe(settings.spool) {
        warnings.append(
          "delve-webhook.service cannot use a spool at \(settings.spool): put it elsewhere, as "
            + "below /var/spool or /srv")
      } else if !unit.canWrite(to: settings.spool) {
        warnings.append(
          "delve-webhook.service lets the responder write elsewhere only: let delve-webhook setup "
            + "make a drop-in, or name it there (systemctl edit delve-webhook): "
            + "ReadWritePaths=\(settings.spool)")
      }
    }
    if isClockSynchronised() == false {
      warnings.append(
        "the clock is not synchronised: deliveries would be stale or of the future once it is off")
    }
    return warnings
  }
}
