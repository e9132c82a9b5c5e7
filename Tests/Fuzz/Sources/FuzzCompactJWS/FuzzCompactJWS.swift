import WebhookCore

/// A token has three parts of base64url or is refused, and never chooses its own algorithm.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let compact = Array(UnsafeBufferPointer(start: data, count: count))
  let allowed: Set<SignatureAlgorithm> = [.es512, .edDSA]
  guard let token = try? UnverifiedToken(compact: compact, allowing: allowed) else { return 0 }
  precondition(allowed.contains(token.algorithm))
  precondition(compact.count { $0 == UInt8(ascii: ".") } == 2)
  precondition((try? token.verified(by: [])) == nil)
  return 0
}
