package import WebhookCore

/// A line of the operator's log before it is written: a message or none, and fields in their order.
/// Values come from our own types; nothing of a sender may be handed in.
package struct LogLine: Sendable {
  /// The priorities of syslog(3).
  package enum Level: Int, Sendable {
    case error = 3
    case warning = 4
    case notice = 5
    case info = 6

    /// Without reflection, which would cost as much as the rest of a line.
    fileprivate var name: String {
      switch self {
      case .error: "error"
      case .warning: "warning"
      case .notice: "notice"
      case .info: "info"
      }
    }
  }

  package enum Value: Sendable {
    case text(String)
    case number(Int64)

    package static func number(_ value: Int) -> Value { .number(Int64(value)) }
  }

  package let level: Level
  private let message: String
  private var fields: [(key: String, value: Value)]

  /// - Parameter fields: one whose value is nil is left out.
  package init(
    _ level: Level, _ message: String = "", _ fields: KeyValuePairs<String, Value?> = [:]
  ) {
    self.level = level
    self.message = message
    self.fields = fields.compactMap { key, value in value.map { (key, $0) } }
  }

  package mutating func add(_ key: String, _ value: Value) { fields.append((key, value)) }

  /// One line: the time and the level, or the journal's own mark of it (`<N>`, sd-daemon(3)), for
  /// the journal has a clock of its own; then `message key=value …`.
  /// - Parameter now: nil for the journal.
  package func bytes(at now: Timestamp?) -> [UInt8] {
    var line: [UInt8] = []
    line.reserveCapacity(384)
    func append(_ text: String) { line.append(contentsOf: text.utf8) }
    if let now {
      append(now.rfc3339)
      append(" ")
      append(level.name)
      append(" ")
    } else {
      append("<")
      append(String(level.rawValue))
      append(">")
    }
    append(message)
    var separator = message.isEmpty ? "" : " "
    for (key, value) in fields {
      append(separator)
      append(key)
      append("=")
      switch value {
      case .text(let text): append(quoted(text))
      case .number(let number): append(String(number))
      }
      separator = " "
    }
    append("\n")
    return line
  }
}

/// A text as a value: in quotation marks and escaped if it is not one plain word.
private func quoted(_ text: String) -> String {
  let isPlain = text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x22 && $0 != 0x5C }
  return isPlain && !text.isEmpty ? text : "\"\(printable(text))\""
}
