internal import ArgumentParser
internal import CommandLineProgram
internal import LinuxSystem
internal import WebhookConfiguration
internal import WebhookCore

/// `delve-webhook keys fetch`
struct KeysFetchCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fetch",
    abstract: "Fetch an instance's key over HTTPS, and add it beside the old ones.",
    discussion: """
      Asks the configured url for the configured key-location, checks what comes, shows which keys \
      are new and, once confirmed, adds them to the instance's first key file, which becomes a JWK \
      Set whatever its name. The old keys stay, so that what is on its way is not refused: remove \
      them from the file when that is over. A running responder takes the file over by itself.

      Exit code 0: nothing was new, or it was added; 1: not confirmed.
      """)

  @OptionGroup var options: ConfigurationOptions

  @Argument(help: "The instance's name.")
  var instance: String

  @OptionGroup var fetching: KeyFetchingOptions

  func run() async throws {
    try await reportingErrors {
      let settings = try chosenInstance()
      // An instance has at least one.
      guard let file = settings.keyFiles.first else { return }
      var known = try readKeyFile(file).keys
      let configured = try settings.keyFiles.dropFirst().reduce(into: known) {
        $0 += try readKeyFile($1).keys
      }
      let fetched = try await fetching.fetchKeys(of: settings)
      for key in configured { printKey("  known", key) }
      var new: [VerificationKey] = []
      for key in fetched
      where !(configured + new).contains(where: { $0.thumbprint == key.thumbprint }) {
        new.append(key)
      }
      for key in new { printKey("  NEW  ", key) }
      guard !new.isEmpty else { return printResult("nothing new") }
      let useless = new.filter { key in !settings.algorithms.contains(where: key.serves) }
      for key in useless {
        printError("\(key.thumbprint.text) serves none of the instance's algorithms")
      }
      let count = new.count == 1 ? "the new key" : "the \(new.count) new keys"
      guard fetching.isConfirmed("Add \(count) to \(printable(file))") else {
        throw ExitCode.failure
      }
      known += new
      do throws(SystemError) {
        try replaceFileDurably(file, with: jsonWebKeySet(known))
      } catch {
        throw CommandError(cannotWrite: error)
      }
      printChange("added to \(printable(file))")
    }
  }

  private func chosenInstance() throws -> InstanceSettings {
    let instances = try options.settings().instances
    guard let match = instances.first(where: { $0.name.description == instance }) else {
      throw CommandError.usage(
        "no instance called \(printable(instance)); configured: "
          + instances.map(\.name.description).joined(separator: ", "))
    }
    return match
  }
}
