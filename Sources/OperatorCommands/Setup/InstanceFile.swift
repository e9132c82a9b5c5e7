internal import WebhookCore

/// A web server's file with the hooks of an instance, as it lies there.
struct InstanceFile {
  /// Where hooks lie: at least one path.
  let paths: [String]
  /// The address of the hooks, if `setup` made the file: the one that it was made for, with the path
  /// that the file has now.
  let hooks: HooksURL?
  /// Everything behind the first line.
  let rest: Substring

  private static let mark = "# Made by delve-webhook setup: the hooks at "

  /// - Returns: nil if there is no hook for scans that succeeded.
  init?(_ bytes: [UInt8]) {
    let text = String(decoding: bytes, as: UTF8.self)
    // An editor may have ended them with CR LF, which is one character.
    let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    let active = lines.filter { $0.drop { $0 == " " || $0 == "\t" }.first != "#" }
      .joined(separator: "\n")
    let found =
      active.matches(of: /location\s*=\s*"?([^"\s{]*)\/success/).map(\.1)
      + active.matches(of: /<LocationMatch\s+"\^([^"]*)\/success\$/).map(\.1)
    paths = found.map { String($0).replacing("\\.", with: ".") }
    guard let path = paths.first, let first = lines.first else { return nil }
    rest = text[first.endIndex...]
    let url =
      first.hasPrefix(Self.mark) ? first.dropFirst(Self.mark.count).prefix { $0 != " " } : ""
    hooks = (try? HooksURL(String(url)))?.moved(to: path)
  }

  /// The instance that the snippet in the repository is for, and its path there.
  private static let example = (instance: "INSTANCE acme", path: "/webhooks/delve/")

  static func firstLine(of instance: InstanceName, at hooks: HooksURL) -> String {
    "\(mark)\(hooks.text) for the instance \(instance)."
  }

  /// What `setup` writes.
  static func text(
    of instance: InstanceName, at hooks: HooksURL, from snippet: String, _ served: ServedBy
  ) -> String {
    // The comment at the top is about the snippet.
    let lines = snippet.split(separator: "\n", omittingEmptySubsequences: false)
      .drop { $0.hasPrefix("#") || $0.isEmpty }
    let path = served == .nginx ? hooks.path : hooks.path.replacing(".", with: "\\.")
    return firstLine(of: instance, at: hooks) + "\n\n"
      + lines.joined(separator: "\n").replacing(example.path, with: "\(path)/")
      .replacing(example.instance, with: "INSTANCE \(instance)")
  }
}
