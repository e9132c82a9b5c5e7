import WebhookCore

/// A key file has keys that each serve an algorithm, or is refused with an explanation.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let text = Array(UnsafeBufferPointer(start: data, count: count))
  do throws(KeyFileError) {
    let keys = try KeyFile(parsing: text).keys
    precondition(!keys.isEmpty && keys.allSatisfy { !$0.algorithms.isEmpty })
    let again = try KeyFile(parsing: JSONWebKeySet(parsing: text).text).keys
    precondition(again.map(\.thumbprint) == keys.map(\.thumbprint))
    precondition(keys.allSatisfy { $0.thumbprint.text.utf8.count == 43 })
  } catch {
    precondition(!error.explanation.isEmpty)
  }
  return 0
}
