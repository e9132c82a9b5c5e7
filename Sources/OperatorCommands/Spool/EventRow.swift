internal import EventSpool
internal import StrictJSON
internal import WebhookCore

/// What an event's place and its file's name say of it, fit for a terminal: the time, the instance,
/// the state, the kind and status, and both ids.
func eventRow(_ name: UnsafeRawBufferPointer, in place: SpoolPlace) -> [[UInt8]] {
  let instance = Array(place.instance.description.utf8)
  let state = Array(place.state.rawValue.utf8)
  let unknown = [UInt8(ascii: "?")]
  guard let parts = EventFileName.Parts(of: name) else {
    return [unknown, instance, state, unknown, unknown, shown(name, 0..<name.count)]
  }
  return [
    shown(name, parts.issuedAt), instance, state,
    shown(name, parts.kind) + [UInt8(ascii: "/")] + shown(name, parts.status),
    shown(name, parts.claimID), shown(name, parts.idPrefix),
  ]
}

/// The same for a program.
func eventObject(_ name: UnsafeRawBufferPointer, in place: SpoolPlace) -> JSONObject {
  let parts = EventFileName.Parts(of: name)
  // JSON is UTF-8.
  let text =
    name.allSatisfy { $0 < 0x80 }
    ? Array(name) : Array(String(decoding: name, as: UTF8.self).utf8)
  func value(_ part: Range<Int>?) -> JSONValue? {
    part.map { .string(String(decoding: name[$0], as: UTF8.self)) }
  }
  return [
    "path": .string(Array("\(place.path)/".utf8) + text),
    "instance": .string(place.instance.description), "state": .string(place.state.rawValue),
    "file": .string(text), "issued": value(parts?.issuedAt), "kind": value(parts?.kind),
    "status": value(parts?.status), "claimid": value(parts?.claimID),
    "idprefix": value(parts?.idPrefix),
  ]
}

/// A part of a name as it is, if that is plain, else escaped.
func shown(_ name: UnsafeRawBufferPointer, _ part: Range<Int>) -> [UInt8] {
  let bytes = UnsafeRawBufferPointer(rebasing: name[part])
  let isPlain = bytes.allSatisfy { byte in
    byte > 0x20 && byte < 0x7F && byte != UInt8(ascii: "\\") && byte != UInt8(ascii: "\"")
  }
  return isPlain
    ? Array(bytes) : Array(printable(String(decoding: bytes, as: UTF8.self)).utf8)
}
