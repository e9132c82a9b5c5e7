internal import Glibc
package import LinuxSystem
internal import StrictJSON
package import WebhookCore

/// The keys that an instance served and that were not configured, when somebody looked last. A file
/// for each instance, from `delve-webhook keys fetch --check --report` to the responder.
package struct KeyReport: Equatable, Sendable {
  private static let maxBytes = 16_384
  private static let maxKeys = 32

  /// 32 at most.
  package let newKeys: [Thumbprint]

  package init(newKeys: [Thumbprint]) {
    self.newKeys = Array(newKeys.prefix(Self.maxKeys))
  }

  /// Where the report of an instance lies: the one place where both programs look.
  package static func path(of name: InstanceName, _ settings: Settings) -> String {
    "\(settings.keyReports)/\(name).json"
  }

  /// Reads the file at `path`, which another user may have written: nothing is waited for, and what
  /// is too long is not read.
  /// - Returns: nil if there is none.
  package init?(file path: String) throws(ConfigurationError) {
    let text: [UInt8]
    do throws(SystemError) {
      text = try contents(ofFile: path, maxBytes: Self.maxBytes)
    } catch  where error.errno == ENOENT {
      return nil
    } catch {
      throw ConfigurationError(file: path, line: nil, message: error.reason, isUnread: true)
    }
    guard text.count <= Self.maxBytes, let report = KeyReport(parsing: text) else {
      throw ConfigurationError(file: path, line: nil, message: "is not a report of keys")
    }
    self = report
  }

  /// - Returns: nil if it is no report.
  package init?(parsing text: [UInt8]) {
    guard let values = (try? JSONValue(parsing: text))?.object?["new"]?.array,
      values.count <= Self.maxKeys
    else { return nil }
    newKeys = values.compactMap { $0.string.flatMap(Thumbprint.init(text:)) }
    guard newKeys.count == values.count else { return nil }
  }

  /// Replaces the file at `path`, atomically and durably. Everybody may read it: nothing in it is
  /// secret.
  package func write(to path: String, _ name: InstanceName, now: Timestamp) throws(SystemError) {
    let object: JSONObject = [
      "instance": .string("\(name)"), "checked": .string(now.rfc3339),
      "new": .array(newKeys.map { .string($0.text) }),
    ]
    try makeFileDurably(path, with: object.line)
  }
}
