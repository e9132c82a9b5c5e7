internal import Glibc
internal import WebhookCore

/// Tells when events were issued, by their names. An hour is read once for all names of it. For one
/// thread.
package struct IssueClock {
  /// A spool remembers some hundred hours. Names of other programs may have any.
  private static let mostHours = 10_000

  /// By how names begin: `YYYYMMDDThh`; nil if that is no hour.
  private var hours: [[UInt8]: Int64?] = [:]

  package init() {}

  /// When the hour begins in which the event was issued, in seconds since 1970; nil if the name
  /// begins with no time.
  package mutating func hour(of name: UnsafeRawBufferPointer) -> Int64? {
    guard beginsWithTime(name) else { return nil }
    let text = Array(name.prefix(11))
    if let hour = hours[text] { return hour }
    if hours.count == Self.mostHours { hours = [:] }
    let hour = CalendarDate.seconds(atBasicHour: String(decoding: text, as: UTF8.self))
    hours[text] = .some(hour)
    return hour
  }

  /// Seconds since 1970; nil if the name begins with no time.
  package mutating func seconds(of name: UnsafeRawBufferPointer) -> Int64? {
    func number(_ start: Int) -> Int64 {
      Int64(name[start] - 0x30) * 10 + Int64(name[start + 1] - 0x30)
    }
    return hour(of: name).map { $0 + number(11) * 60 + number(13) }
  }
}
