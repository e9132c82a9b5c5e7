internal import WebhookCore

/// A web server's file with the hooks of an instance, as it lies there.
struct InstanceFile {
  /// Where the hooks lie.
  let path: String
  /// The address that `setup` wrote it for; nil: it was written by hand.
  let url: String?

  private static let mark = "# Made by delve-webhook setup: the hooks at "

  /// - Returns: nil if there is no hook for scans that succeeded.
  init?(_ bytes: [UInt8]) {
    let text = String(decoding: bytes, as: UTF8.self)
    let nginx = text.firstMatch(of: /location\s*=\s*"?([^"\s{]*)\/success/)?.1
    let apache = text.firstMatch(of: /<LocationMatch\s+"\^([^"]*)\/success\$/)?.1
    guard let path = nginx ?? apache else { return nil }
    self.path = String(path).replacing("\\.", with: ".")
    let first = text.prefix { $0 != "\n" }
    url =
      first.hasPrefix(Self.mark)
      ? first.dropFirst(Self.mark.count).split(separator: " ").first.map(String.init) : nil
  }

  /// The instance that the snippet in the repository is for, and its path there.
  private static let example = (instance: "INSTANCE acme", path: "/webhooks/delve/")

  /// What `setup` writes.
  static func text(
    of instance: InstanceName, at hooks: HooksURL, from snippet: String, _ served: ServedBy
  ) -> String {
    // The comment at the top is about the snippet.
    let lines = snippet.split(separator: "\n", omittingEmptySubsequences: false)
      .drop { $0.hasPrefix("#") || $0.isEmpty }
    let path = served == .nginx ? hooks.path : hooks.path.replacing(".", with: "\\.")
    return "\(mark)\(hooks.text) for the instance \(instance).\n\n"
      + lines.joined(separator: "\n").replacing(example.path, with: "\(path)/")
      .replacing(example.instance, with: "INSTANCE \(instance)")
  }
}
