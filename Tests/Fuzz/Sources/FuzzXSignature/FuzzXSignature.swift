import WebhookCore

/// Only the algorithm, one blank and a configured location pass, with at most one apostrophe before
/// and one after.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  // Each line is one header field.
  let lines = UnsafeBufferPointer(start: data, count: count)
    .split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map(Array.init)
  for policy in XSignatureRule.Policy.allCases {
    let rule = XSignatureRule(policy: policy, keyLocations: ["/a", "/api/webhook.key"])
    guard let value = try? rule.singleValue(of: lines),
      let checked = try? rule.check(value, names: .es512)
    else { continue }
    let bare = checked.filter { $0 != UInt8(ascii: "'") }
    precondition(checked.count - bare.count <= 2)
    precondition(["ES512 /a", "ES512 /api/webhook.key"].contains { $0.utf8.elementsEqual(bare) })
  }
  return 0
}
