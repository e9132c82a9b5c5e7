/// A JSON value (RFC 8259) that keeps what the text said: numbers as spelled, members in order.
///
/// Strings and names are UTF-8 bytes, not `String`: two names are the same when their bytes are,
/// while `String ==` also takes Unicode's canonical equivalents for equal.
package indirect enum JSONValue: Sendable {
  case null
  case boolean(Bool)
  /// The number's text, for example `1.50e3`; it follows the grammar of RFC 8259 §6.
  case number([UInt8])
  /// The unescaped UTF-8 bytes.
  case string([UInt8])
  case array([JSONValue])
  case object(JSONObject)
}

extension JSONValue {
  package static func string(_ text: String) -> JSONValue { .string(Array(text.utf8)) }

  package static func number(_ value: some BinaryInteger) -> JSONValue {
    .number(Array(String(value).utf8))
  }

  package var string: [UInt8]? {
    if case .string(let bytes) = self { bytes } else { nil }
  }

  package var number: [UInt8]? {
    if case .number(let spelling) = self { spelling } else { nil }
  }

  /// The number, if it is spelled as an integer that fits.
  package var integer: Int64? { number.flatMap { Int64(String(decoding: $0, as: UTF8.self)) } }

  package var array: [JSONValue]? {
    if case .array(let elements) = self { elements } else { nil }
  }

  package var object: JSONObject? {
    if case .object(let object) = self { object } else { nil }
  }
}

/// Equal as JSON values: the order of members does not matter, and numbers are equal when they are
/// spelled alike (`1` and `1.0` differ).
extension JSONValue: Equatable {}
