package import StrictJSON

/// An event as it was read back from the spool: unverified again, for whoever can write the spool
/// can forge one.
package struct StoredEvent: Sendable {
  package let attributes: JSONObject

  /// Nil unless `line` is a CloudEvents 1.0 event with the attributes that every event of ours has.
  package init?(line: [UInt8]) {
    // The payload may have 128 levels, and the event is one around it.
    guard let attributes = (try? JSONValue(parsing: line, levels: 129))?.object,
      attributes["specversion"] == .string("1.0"),
      ["id", "source", "type", "subject", "time", "recordedtime", "instance"].allSatisfy({
        attributes[$0]?.string != nil
      }),
      attributes["data"]?.object != nil
    else { return nil }
    self.attributes = attributes
  }

  /// The attribute called `name`, empty if it is absent or no string. It may hold any character: escape it before it is
  /// printed.
  package subscript(name: String) -> String {
    String(decoding: attributes[name]?.string ?? [], as: UTF8.self)
  }

  package var data: JSONValue { attributes["data"] ?? .null }
}
