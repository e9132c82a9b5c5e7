/// How far the token's times may lie from the clock, and how long a delivery is remembered.
package struct Freshness: Equatable, Sendable {
  /// The largest `max-age-seconds`: seven days.
  package static let longestMaxAgeSeconds: Int64 = 604_800
  /// How long the spool remembers an event at least: longer than any delivery can be fresh, so that
  /// a replay is known for as long as it would be taken.
  package static let memorySeconds = longestMaxAgeSeconds + 86_400

  package var maxAgeSeconds: Int64 = 300
  package var clockSkewSeconds: Int64 = 60

  /// `now - max-age <= iat <= now + skew`; then `exp` (RFC 7519 §4.1.4) and `nbf` (§4.1.5), with
  /// the same skew. All numbers are bounded, so nothing can overflow.
  func check(_ claims: Claims, now: Timestamp) throws(Refusal) {
    let issuedAt = claims.issuedAt.seconds
    let oldest = now.seconds - maxAgeSeconds
    let newest = now.seconds + clockSkewSeconds
    guard issuedAt >= oldest else { throw Refusal(.stale, .seconds(oldest - issuedAt)) }
    guard issuedAt <= newest else { throw Refusal(.future, .seconds(issuedAt - newest)) }
    if let expiry = claims.expiresAt?.seconds, expiry + clockSkewSeconds <= now.seconds {
      throw Refusal(.expired, .seconds(now.seconds - expiry - clockSkewSeconds))
    }
    if let start = claims.notBefore?.seconds, start > newest {
      throw Refusal(.notYetValid, .seconds(start - newest))
    }
  }
}
