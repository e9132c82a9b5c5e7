package import StrictJSON

/// An event as it was read back from the spool: unverified again, for a writer of the spool can
/// forge one.
package struct StoredEvent: Sendable {
  package let attributes: JSONObject

  /// Nil unless `line` is a CloudEvents 1.0 event with the attributes that every event of ours has.
  package init?(line: [UInt8]) {
    // The payload may have 128 levels, and the event is one around it.
    guard let attributes = (try? JSONValue(parsing: line, levels: 129))?.object,
      attributes["specversion"] == .string("1.0"),
      EventAttribute.all(.isRequired).allSatisfy({ attribute in
        let value = attributes[attribute.rawValue]
        return attribute == .data ? value?.object != nil : value?.string != nil
      })
    else { return nil }
    self.attributes = attributes
  }

  /// The attribute's text; empty if it is absent or no string. It may hold any character: escape it
  /// before it is printed.
  package subscript(attribute: EventAttribute) -> String {
    String(decoding: attributes[attribute.rawValue]?.string ?? [], as: UTF8.self)
  }

  package var data: JSONValue { attributes[EventAttribute.data.rawValue] ?? .null }

  /// The sender's id, UTF-8 bytes; empty if the payload has none.
  package var claimID: [UInt8] { data.object.flatMap(identifier) ?? [] }

  /// Its attributes with one of these rules, in the order of the file. An attribute that is not in
  /// the table of them is left out.
  package func attributes(with rules: EventAttribute.Rules) -> JSONObject {
    let names = EventAttribute.allCases.filter { !$0.rules.isDisjoint(with: rules) }
    return attributes.keeping(names.map(\.rawValue))
  }
}
