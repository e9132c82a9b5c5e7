import StrictJSON

/// Every value that parses is read back unchanged from each of the three ways to write it.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let text = Array(UnsafeBufferPointer(start: data, count: count))
  guard let value = try? JSONValue(parsing: text) else { return 0 }
  precondition(value.isEqual(toText: text))
  for written in [value.compactText, value.canonicalText, compactJSON(text)] {
    precondition((try? JSONValue(parsing: written)) == value)
  }
  return 0
}
