internal import EventSpool
internal import StrictJSON
internal import WebhookCore

let eventColumns = ["ISSUED", "INSTANCE", "STATE", "EVENT", "ID", "FILE ID"]

/// What an event's place and its file's name say of it, fit for a terminal: a cell for each of
/// `eventColumns`.
func eventRow(_ name: UnsafeRawBufferPointer, in place: SpoolPlace) -> [[UInt8]] {
  let instance = Array(place.instance.description.utf8)
  let state = Array(place.state.rawValue.utf8)
  let unknown = [UInt8(ascii: "?")]
  guard let parts = EventFileName.parts(of: name) else {
    return [unknown, instance, state, unknown, unknown, shown(name[...])]
  }
  return [
    shown(parts[0]), instance, state,
    shown(parts[1]) + [UInt8(ascii: "/")] + shown(parts[2]), shown(parts[3]), shown(parts[4]),
  ]
}

/// The same for a program.
func eventObject(_ name: UnsafeRawBufferPointer, in place: SpoolPlace) -> JSONObject {
  let parts = EventFileName.parts(of: name)
  func part(_ index: Int) -> JSONValue? { parts.map { .string(Array($0[index])) } }
  return [
    "path": .string(Array("\(place.path)/".utf8) + name),
    "instance": .string(place.instance.description), "state": .string(place.state.rawValue),
    "file": .string(Array(name)), "issued": part(0), "kind": part(1), "status": part(2),
    "claimid": part(3), "idprefix": part(4),
  ]
}

/// As it is, if that is plain.
private func shown(_ bytes: Slice<UnsafeRawBufferPointer>) -> [UInt8] {
  let isPlain = bytes.allSatisfy { byte in
    (0x21...0x7E).contains(byte) && byte != UInt8(ascii: "\\") && byte != UInt8(ascii: "\"")
  }
  return isPlain
    ? Array(bytes) : Array(printable(String(decoding: bytes, as: UTF8.self)).utf8)
}
