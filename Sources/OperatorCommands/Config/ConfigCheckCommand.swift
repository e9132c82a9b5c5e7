internal import ArgumentParser
internal import CommandLineProgram
internal import EventSpool
internal import LinuxSystem
internal import WebhookConfiguration
internal import WebhookCore

/// `delve-webhook config check`
struct ConfigCheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Say everything that would keep the responder from starting, or from storing.",
    discussion: """
      Checks the configuration file, every key, the spool's permissions, layout and file system, and \
      whether the clock is synchronised. Run it as the responder's user, for permissions are that \
      user's. Makes nothing. Exit code 0: good, perhaps with warnings; 78: something is wrong.
      """)

  @OptionGroup var options: ConfigurationOptions

  func run() throws {
    try reportingErrors {
      let settings = try options.settings()
      let problems = keyProblems(settings) + spoolProblems(settings)
      for problem in problems { printError("wrong: \(problem)") }
      for warning in warnings(settings) { printError("warning: \(warning)") }
      guard problems.isEmpty else {
        throw CommandError.configuration(
          "\(printable(options.path)): the responder would not start")
      }
      printResult("\(printable(options.path)): good")
    }
  }

  private func keyProblems(_ settings: Settings) -> [String] {
    settings.instances.flatMap(\.keyFiles).compactMap { file in
      do throws(ConfigurationError) {
        _ = try readKeyFile(file)
        return nil
      } catch {
        return error.description
      }
    }
  }

  private func spoolProblems(_ settings: Settings) -> [String] {
    var problems: [String] = []
    for instance in settings.instances {
      do throws(SpoolError) {
        try InstanceSpool.check(instance.name, in: settings.spool)
      } catch {
        let problem = "spool: \(error.explanation)"
        if !problems.contains(problem) { problems.append(problem) }
      }
    }
    return problems
  }

  private func warnings(_ settings: Settings) -> [String] {
    var warnings = (try? Configuration(file: options.path))?.warnings ?? []
    if let free = try? SpoolReader(path: settings.spool).freeSpace().bytes,
      free < settings.minimumFreeBytes
    {
      warnings.append(
        "\(settings.spool): \(free) bytes are free, below minimum-free-bytes "
          + "(\(settings.minimumFreeBytes)): every delivery would be answered with 503 spool-full")
    }
    if isClockSynchronised() == false {
      warnings.append(
        "the clock is not synchronised: deliveries would be stale or of the future once it is off")
    }
    return warnings
  }
}
