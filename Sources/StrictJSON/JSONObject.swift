/// A JSON object whose names are all different, in the order of the text.
package struct JSONObject: Sendable {
  package struct Member: Sendable {
    /// The unescaped UTF-8 bytes.
    package let name: [UInt8]
    package let value: JSONValue
  }

  package let members: [Member]

  /// The names must all be different; the parser sees to it for what comes from outside.
  init(members: [Member]) {
    self.members = members
  }

  /// An object of our own making. The names must all be different; a member whose value is nil is
  /// left out.
  package init(_ members: [(name: String, value: JSONValue?)]) {
    self.members = members.compactMap { name, value in
      value.map { Member(name: Array(name.utf8), value: $0) }
    }
  }

  /// The value of the member called `name`, compared byte by byte.
  package subscript(name: String) -> JSONValue? {
    let name = name.utf8
    return members.first { $0.name.count == name.count && $0.name.elementsEqual(name) }?.value
  }

  /// The object without the members called `names`; what is inside its members stays.
  package func removing(_ names: String...) -> JSONObject {
    let names = names.map { Array($0.utf8) }
    return JSONObject(members: members.filter { !names.contains($0.name) })
  }

  /// The object with the members called `names` and no others, in its own order.
  package func keeping(_ names: [String]) -> JSONObject {
    let names = names.map { Array($0.utf8) }
    return JSONObject(members: members.filter { names.contains($0.name) })
  }

  /// The object with one more member at its end. The name must be new.
  package func appending(_ name: String, _ value: JSONValue) -> JSONObject {
    JSONObject(members: members + [Member(name: Array(name.utf8), value: value)])
  }

  /// The object on one line, as `JSONValue.compactText` has it.
  package var text: [UInt8] { JSONValue.object(self).compactText }

  /// The object on one line, as `JSONValue.line` has it.
  package var line: [UInt8] { JSONValue.object(self).line }

  /// The members in the order of their names' bytes.
  var sortedMembers: [Member] {
    members.sorted { $0.name.lexicographicallyPrecedes($1.name) }
  }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
  /// As `init(_:)`.
  package init(dictionaryLiteral members: (String, JSONValue?)...) { self.init(members) }
}

extension JSONObject: Equatable {
  package static func == (one: JSONObject, other: JSONObject) -> Bool {
    one.members.count == other.members.count
      && zip(one.sortedMembers, other.sortedMembers).allSatisfy {
        $0.name == $1.name && $0.value == $1.value
      }
  }
}
