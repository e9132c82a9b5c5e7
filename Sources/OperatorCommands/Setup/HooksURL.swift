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
    guard ["https:", "http:"].contains(parts.first), parts.count >= 3, parts[1].isEmpty,
      !parts[2].isEmpty, parts[2...].allSatisfy(Self.isPlain)
    else {
      throw .usage(
        "--base-url \(printable(text)): allowed is https://HOST/PATH, with letters, digits, "
          + "hyphens, underscores, dots and tildes in the path")
    }
    self.text = trimmed
    path = parts[3...].map { "/\($0)" }.joined()
  }

  /// What is likely, if nobody says otherwise.
  init(ofInstance name: InstanceName) throws(CommandError) {
    var host = [CChar](repeating: 0, count: 256)
    let isKnown = gethostname(&host, host.count - 1) == 0
    let known = String(
      decoding: host.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    try self.init(
      "https://\(isKnown && !known.isEmpty ? known : "localhost")/webhooks/delve/\(name)")
  }

  private static func isPlain(_ part: Substring) -> Bool {
    let isASCII = part.utf8.allSatisfy { byte in
      (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
        || "-_.~:[]".utf8.contains(byte)
    }
    return isASCII && !["", ".", ".."].contains(part)
  }
}
