/// The body of a request, never longer than the limit; it grows while it is read.
package struct RequestBody: Sendable {
  private let policy: DeliveryPolicy
  private var count = 0
  /// Empty if the policy discards the body.
  private(set) var bytes: [UInt8] = []

  /// - Parameter declaredBytes: the length that the web server announces, if it does.
  /// - Throws: `body-too-large` if that is over the limit already.
  package init(declaredBytes: Int?, under policy: DeliveryPolicy) throws(Refusal) {
    self.policy = policy
    if let declaredBytes { try check(declaredBytes) }
  }

  /// - Throws: `body-too-large`; nothing of `chunk` is kept then.
  package mutating func append(_ chunk: some Collection<UInt8>) throws(Refusal) {
    let (sum, overflow) = count.addingReportingOverflow(chunk.count)
    try check(overflow ? .max : sum)
    count = sum
    if policy.body == .match { bytes.append(contentsOf: chunk) }
  }

  private func check(_ count: Int) throws(Refusal) {
    guard count <= policy.maxBodyBytes else {
      throw Refusal(.bodyTooLarge, .limit(bytes: policy.maxBodyBytes))
    }
  }
}
