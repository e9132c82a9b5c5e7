internal import ArgumentParser
internal import CommandLineProgram
internal import WebhookConfiguration
internal import WebhookCore

/// `delve-webhook keys remove`
struct KeysRemoveCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "remove",
    abstract: "Remove a key that signs nothing any more from the key files.",
    discussion: """
      Removes the key from every JWK Set of the configuration that holds it. The last key of a \
      file stays, and so does the last key that serves an instance's algorithms. A PEM file holds \
      one key: the command says what to do with it. A running responder reads the changed file by \
      itself.

      Copy the file first: `spool verify --keys` needs the key for the events that it signed. If a \
      thumbprint begins with a hyphen, put -- before it.

      Exit code 0: removed; 1: there is no such key, or it must stay, and nothing was changed.
      """)

  @OptionGroup var options: ConfigurationOptions

  @Argument(
    help: "The key's thumbprint, as keys check shows it, or the first six characters or more.")
  var thumbprint: String

  private static let shortestPrefix = 6

  func validate() throws {
    guard thumbprint.utf8.count >= Self.shortestPrefix else {
      throw ValidationError(
        "Give at least \(Self.shortestPrefix) characters of the key's thumbprint.")
    }
  }

  func run() throws {
    try reportingErrors {
      let settings = try options.settings()
      let key = try chosenKey(of: settings)
      let files = try filesWithout(key, settings)
      for file in files {
        try changeKeySet(file) { keys in
          keys.remove(key)
          guard !keys.keys.isEmpty else { throw mustStay(key, in: file) }
        }
        printChange("removed \(key.text)")
        printChange("from \(printable(file))")
      }
    }
  }

  private func chosenKey(of settings: Settings) throws -> Thumbprint {
    let all = Set(
      try settings.instances.distinctKeyFiles.flatMap { try readKeyFile($0).keys.map(\.thumbprint) }
    )
    let matching = all.filter { $0.text.hasPrefix(thumbprint) }
    guard let key = matching.first else {
      throw CommandError.negative(
        "no key of the configuration has a thumbprint that begins with \(printable(thumbprint)): "
          + "delve-webhook keys check shows them")
    }
    guard matching.count == 1 else {
      throw CommandError.usage(
        "several keys begin with \(printable(thumbprint)): "
          + matching.map(\.text).sorted().joined(separator: ", "))
    }
    return key
  }

  /// The files that the key can be removed from.
  /// - Throws: if it must stay in one of them.
  private func filesWithout(_ key: Thumbprint, _ settings: Settings) throws -> [String] {
    let files = try settings.instances.distinctKeyFiles.filter { file in
      let keys = try readKeyFile(file).keys
      guard keys.contains(where: { $0.thumbprint == key }) else { return false }
      guard keys.contains(where: { $0.thumbprint != key }) else { throw mustStay(key, in: file) }
      return true
    }
    for instance in settings.instances {
      let keys = try instance.keyFiles.flatMap { try instance.keyFile(at: $0).keys }
      func serve(_ keys: [VerificationKey]) -> Bool {
        keys.contains { key in instance.algorithms.contains(where: key.serves) }
      }
      guard !serve(keys) || serve(keys.filter { $0.thumbprint != key }) else {
        throw CommandError.negative(
          "\(key.text) is the last key that serves the instance \(instance.name): fetch the new one "
            + "first (delve-webhook keys fetch \(instance.name))")
      }
    }
    return files
  }

  private func mustStay(_ key: Thumbprint, in file: String) -> CommandError {
    .negative(
      "\(key.text) is the only key in \(printable(file)), which cannot be empty. If another file has "
        + "the instance's new key, take this one out of keys in \(printable(options.path)), reload "
        + "the responder, and then remove the file. Else fetch the new key first: delve-webhook keys "
        + "fetch")
  }
}
