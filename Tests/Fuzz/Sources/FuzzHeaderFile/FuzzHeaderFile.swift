@testable import EventForwarding

/// A header file has fields, each on one line and printable, or is refused with the line's number.
/// Written again, it has the same fields.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let text = Array(UnsafeBufferPointer(start: data, count: count))
  do throws(HeaderFileError) {
    let fields = try headerFields(parsing: text)
    precondition(!fields.isEmpty)
    for field in fields {
      precondition(field.utf8.allSatisfy { (0x20...0x7E).contains($0) })
      precondition(field.utf8.contains(UInt8(ascii: ":")) && !field.hasPrefix(":"))
    }
    let again = Array(fields.joined(separator: "\r\n").utf8)
    precondition((try? headerFields(parsing: again)) == fields)
  } catch {
    guard case .notAField(let line) = error else { return 0 }
    precondition((1...text.count { $0 == 0x0A } + 1).contains(line))
  }
  return 0
}
