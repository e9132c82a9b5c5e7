internal import ArgumentParser
internal import CommandLineProgram
internal import Glibc
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
    try await reportingFailures {
      let settings = try chosenInstance()
      let file = settings.keyFiles[0]
      var known = try keys(in: file)
      let configured = try settings.keyFiles.dropFirst().reduce(into: known) {
        $0 += try keys(in: $1)
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
      try replaceFile(file, with: jsonWebKeySet(known))
      printResult("added to \(printable(file))")
    }
  }

  private func chosenInstance() throws(CommandFailure) -> InstanceSettings {
    let instances = try options.settings().instances
    guard let match = instances.first(where: { $0.name.description == instance }) else {
      throw CommandFailure(
        description: "no instance called \(printable(instance)); configured: "
          + instances.map(\.name.description).joined(separator: ", "), exitCode: EX_USAGE)
    }
    return match
  }

  private func keys(in file: String) throws(CommandFailure) -> [VerificationKey] {
    do throws(ConfigurationError) {
      return try readKeyFile(file).keys
    } catch {
      throw .configuration(error.description)
    }
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
        throw CommandFailure.unavailable("\(printable(url)) answered \(answer.status), not 200")
      }
      do throws(KeyFileProblem) {
        keys += try KeyFile(parsing: answer.body).keys
      } catch {
        throw CommandFailure.unavailable("\(printable(url)) \(error.explanation)")
      }
    }
    return keys
  }

  /// The location on the instance's host, and on no other.
  private func keyURL(
    _ location: String, of settings: InstanceSettings
  ) throws(CommandFailure) -> String {
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
