internal import CommandLineProgram
internal import Glibc
internal import WebhookCore

/// Where an instance's hooks are, as the sender sees them: `https://HOST/PATH`. In a path there is
/// nothing but what means itself in a URL and in the web servers' configurations.
struct HooksURL {
  let text: String
  /// Empty, or beginning with a slash and not ending with one.
  let path: String

  init(_ text: String) throws(CommandError) {
    let trimmed = text.hasSuffix("/") ? String(text.dropLast()) : text
    let parts = trimmed.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count >= 3, ["https:", "http:"].contains(parts[0]), parts[1].isEmpty,
      let first = parts[2].first, first.isLetter || first.isNumber || first == "[",
      isPlain(parts[2], and: "-.:[]"),
      parts[3...].allSatisfy({ isPlain($0, and: "-_.~") && ![".", ".."].contains($0) })
    else {
      throw .usage(
        "--base-url \(printable(text)): allowed is https://HOST/PATH, with letters, digits, "
          + "hyphens, underscores, dots and tildes in the path")
    }
    self.text = trimmed
    path = parts[3...].map { "/\($0)" }.joined()
  }

  /// The same host, with another path.
  func moved(to path: String) -> HooksURL? {
    try? HooksURL(text.dropLast(self.path.count) + path)
  }

  /// What is likely, if nobody says otherwise.
  /// - Returns: also whether the host's name can be that of a host on the Internet.
  static func ofInstance(
    _ name: InstanceName
  ) throws(CommandError) -> (url: HooksURL, isLikely: Bool) {
    var bytes = [CChar](repeating: 0, count: 256)
    _ = gethostname(&bytes, bytes.count - 1)
    let known = String(
      decoding: bytes.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    let path = "webhooks/delve/\(name)"
    if let url = try? HooksURL("https://\(known)/\(path)") { return (url, known.contains(".")) }
    return (try HooksURL("https://localhost/\(path)"), false)
  }
}

/// Whether a part of a path or a URL is letters, digits and these others, and not empty: such a part
/// means itself in URLs and in the configurations of web servers and systemd.
func isPlain(_ part: Substring, and others: String) -> Bool {
  !part.isEmpty
    && part.utf8.allSatisfy { byte in
      (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
        || others.utf8.contains(byte)
    }
}
