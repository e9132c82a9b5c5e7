internal import Glibc
internal import WebhookCore

/// Tells when events were issued, by their names. An hour is read once for all names of it that come
/// one after the other, as sorted ones do. For one thread.
package struct IssueClock {
  /// As names begin: `YYYYMMDDThh`.
  private var hour: [UInt8] = []
  private var hourSeconds: Int64?

  package init() {}

  /// Seconds since 1970; nil if the name begins with no time.
  package mutating func seconds(of name: UnsafeRawBufferPointer) -> Int64? {
    guard beginsWithTime(name) else { return nil }
    let hour = name.prefix(11)
    if !hour.elementsEqual(self.hour) {
      self.hour = Array(hour)
      hourSeconds = CalendarDate.seconds(atBasicHour: String(decoding: hour, as: UTF8.self))
    }
    func number(_ start: Int) -> Int64 {
      Int64(name[start] - 0x30) * 10 + Int64(name[start + 1] - 0x30)
    }
    return hourSeconds.map { $0 + number(11) * 60 + number(13) }
  }
}
