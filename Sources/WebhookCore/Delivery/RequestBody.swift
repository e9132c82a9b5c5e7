/// As much of a request's body as came, and as was kept.
package struct ReceivedBody: Sendable {
  /// How many bytes came.
  package private(set) var count = 0
  /// The bytes themselves; empty if they are not kept.
  package private(set) var bytes: [UInt8] = []
  private let keepsBytes: Bool
  private let maximum: Int

  /// - Parameters:
  ///   - policy: says whether bytes are compared, and so kept, and how many at most.
  ///   - keepsBytes: keeps them also if they are not compared.
  package init(under policy: DeliveryPolicy, keepsBytes: Bool = false) {
    self.keepsBytes = keepsBytes || policy.body == .match
    maximum = policy.maxBodyBytes
  }

  /// Counts a further piece. From the limit on, nothing is kept.
  package mutating func append(_ chunk: some Collection<UInt8>) {
    let (sum, overflow) = count.addingReportingOverflow(chunk.count)
    count = overflow ? .max : sum
    if count > maximum {
      bytes = []
    } else if keepsBytes {
      bytes.append(contentsOf: chunk)
    }
  }
}

/// The body of a request, never longer than the limit.
package struct RequestBody: Sendable {
  /// Empty if the policy discards the body.
  let bytes: [UInt8]

  /// - Parameters:
  ///   - contentLength: every `CONTENT_LENGTH` that came. Bytes behind it are not the body's.
  ///   - received: to its end.
  /// - Throws: `malformed-body`, `body-too-large`.
  package init(
    contentLength: [[UInt8]], _ received: ReceivedBody, under policy: DeliveryPolicy
  ) throws(Refusal) {
    let declared = try Self.length(contentLength)
    guard declared ?? received.count <= policy.maxBodyBytes else {
      throw Refusal(.bodyTooLarge, .limit(bytes: policy.maxBodyBytes))
    }
    if let declared, received.count < declared { throw Refusal(.malformedBody) }
    bytes =
      declared.map { $0 < received.bytes.count } ?? false
      ? Array(received.bytes.prefix(declared ?? 0)) : received.bytes
  }

  /// How long the body is said to be.
  /// - Returns: nil if the length is unknown: absent, empty as nginx passes it for a body that it
  ///   does not buffer, or -1 as Caddy passes it for a chunked one.
  /// - Throws: `malformed-body`, if it is not one plain decimal number.
  package static func length(_ values: [[UInt8]]) throws(Refusal) -> Int? {
    guard values.count <= 1 else { throw Refusal(.malformedBody) }
    guard let text = values.first, !text.isEmpty, !text.elementsEqual("-1".utf8) else { return nil }
    guard text.count < 32, text.allSatisfy({ (0x30...0x39).contains($0) }) else {
      throw Refusal(.malformedBody)
    }
    return Int(String(decoding: text, as: UTF8.self)) ?? .max
  }
}
