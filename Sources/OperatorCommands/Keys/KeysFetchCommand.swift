internal import ArgumentParser
internal import CommandLineProgram
internal import Glibc
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

  @Flag(help: "Add what is new without asking.")
  var yes = false

  private static let maxKeyBytes = 65_536

  func run() async throws {
    try await reportingErrors {
      let settings = try chosenInstance()
      // An instance has at least one.
      guard let file = settings.keyFiles.first else { return }
      var known = try readKeyFile(file).keys
      let configured = try settings.keyFiles.dropFirst().reduce(into: known) {
        $0 += try readKeyFile($1).keys
      }
      let fetched = try await fetchKeys(of: settings)
      for key in configured { show("  known", key) }
      var new: [VerificationKey] = []
      for key in fetched
      where !(configured + new).contains(where: { $0.thumbprint == key.thumbprint }) {
        new.append(key)
      }
      for key in new { show("  NEW  ", key) }
      guard !new.isEmpty else { return printResult("nothing new") }
      let useless = new.filter { key in !settings.algorithms.contains(where: key.serves) }
      for key in useless {
        printError("\(key.thumbprint.text) serves none of the instance's algorithms")
      }
      guard yes || isConfirmed(adding: new.count, to: file) else { throw ExitCode.failure }
      known += new
      do throws(SystemError) {
        try replaceFileDurably(file, with: jsonWebKeySet(known))
      } catch {
        throw CommandError(
          "\(printable(error.path)): \(error.call.rawValue): \(error.reason)",
          exitCode: EX_CANTCREAT)
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

  private func show(_ mark: String, _ key: VerificationKey) {
    printResult("\(mark)  \(key.typeName)  \(key.thumbprint.text)")
  }

  private func isConfirmed(adding count: Int, to file: String) -> Bool {
    guard isatty(STDIN_FILENO) == 1 else {
      printError("not a terminal: pass --yes to add what is new")
      return false
    }
    printError(
      "Add \(count == 1 ? "the new key" : "the \(count) new keys") to \(printable(file))? [y/N]")
    return ["y", "yes"].contains(readLine()?.lowercased())
  }

  // MARK: Fetching

  private func fetchKeys(of settings: InstanceSettings) async throws -> [VerificationKey] {
    var keys: [VerificationKey] = []
    for location in settings.xSignature.keyLocations {
      let url = try keyURL(String(decoding: location, as: UTF8.self), of: settings)
      printResult(printable(url))
      let request = HTTPRequest(
        url: url, schemes: "https", maxAnswerBytes: Self.maxKeyBytes)
      let answer = try await request.send()
      guard answer.status == 200 else {
        throw CommandError.unavailable("\(printable(url)) answered \(answer.status), not 200")
      }
      do throws(KeyFileError) {
        keys += try KeyFile(parsing: answer.body).keys
      } catch {
        throw CommandError.unavailable("\(printable(url)) \(error.explanation)")
      }
    }
    return keys
  }

  /// The location on the instance's host, and on no other.
  private func keyURL(
    _ location: String, of settings: InstanceSettings
  ) throws(CommandError) -> String {
    let host = settings.url.dropFirst("https://".count).prefix { $0 != "/" }
    let origin = "https://\(host)"
    if location.hasPrefix("/") { return origin + location }
    guard location.contains("://") else { return "\(origin)/\(location)" }
    guard location.hasPrefix("\(origin)/") else {
      throw .configuration("\(location) is not on the instance's host \(host): fetch it by hand")
    }
    return location
  }
}
