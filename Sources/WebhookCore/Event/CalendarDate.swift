/// The civil date and time, in UTC, of seconds since 1970; the year is 0 to 9999 for everything
/// that a `NumericDate` can hold.
package struct CalendarDate: Sendable {
  private let year, month, day, hour, minute, second: Int64

  /// By Howard Hinnant's `civil_from_days` ("chrono-Compatible Low-Level Date Algorithms"): years
  /// begin in March, so that the leap day is the last, and 400 of them are 146,097 days.
  package init(secondsSince1970 seconds: Int64) {
    let (days, secondOfDay) = seconds.flooredDivision(by: 86_400)
    let (era, dayOfEra) = (days + 719_468).flooredDivision(by: 146_097)
    let yearOfEra =
      (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
    month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    hour = secondOfDay / 3_600
    minute = secondOfDay / 60 % 60
    second = secondOfDay % 60
  }

  /// The seconds since 1970 at which the hour `YYYYMMDDThh` begins; nil if that is not one.
  package static func seconds(atBasicHour text: String) -> Int64? {
    guard text.utf8.count == 11, let year = Int64(text.prefix(4)),
      let month = Int64(text.dropFirst(4).prefix(2)), let day = Int64(text.dropFirst(6).prefix(2)),
      let hour = Int64(text.suffix(2)), (1...12).contains(month)
    else { return nil }
    let seconds = days(year: year, month: month, day: day) * 86_400 + hour * 3_600
    // A name such as 20260231T99 is some other hour's.
    return CalendarDate(secondsSince1970: seconds).basicHour == text ? seconds : nil
  }

  /// The seconds since 1970 of `YYYY-MM-DDThh:mm:ssZ`; nil if that is not a time. (RFC 3339 knows
  /// offsets and fractions too; here the time is UTC and whole.)
  package static func seconds(rfc3339 text: String) -> Int64? {
    let parts = text.split(omittingEmptySubsequences: false) { "-T:Z".contains($0) }
    let numbers = parts.prefix(6).compactMap { Int64($0) }
    guard text.utf8.count == 20, parts.count == 7, numbers.count == 6, (1...12).contains(numbers[1])
    else { return nil }
    let seconds =
      days(year: numbers[0], month: numbers[1], day: numbers[2]) * 86_400
      + numbers[3] * 3_600 + numbers[4] * 60 + numbers[5]
    return CalendarDate(secondsSince1970: seconds).rfc3339 == text ? seconds : nil
  }

  /// The seconds since 1970 of `YYYYMMDDThhmmssZ`, as event files' names begin; nil if that is not
  /// a time.
  package static func seconds(atBasicTime text: String) -> Int64? {
    guard text.utf8.count == 16, let hour = seconds(atBasicHour: String(text.prefix(11))),
      let minute = Int64(text.dropFirst(11).prefix(2)),
      let second = Int64(text.dropFirst(13).prefix(2))
    else { return nil }
    let seconds = hour + minute * 60 + second
    return CalendarDate(secondsSince1970: seconds).basic == text ? seconds : nil
  }

  /// `days_from_civil`, the inverse of the above.
  private static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
    let (era, yearOfEra) = (month <= 2 ? year - 1 : year).flooredDivision(by: 400)
    let monthFromMarch = month > 2 ? month - 3 : month + 9
    let dayOfYear = (153 * monthFromMarch + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return era * 146_097 + dayOfEra - 719_468
  }

  /// `2026-11-24T17:14:10Z` (RFC 3339 §5.6).
  package var rfc3339: String { formatted("YYYY-MM-DDThh:mm:ssZ") }

  /// `2026-11-24T17:14:10.042Z`.
  package func rfc3339(milliseconds: Int) -> String {
    formatted("YYYY-MM-DDThh:mm:ss.nnnZ", milliseconds: Int64(milliseconds))
  }

  /// `20261124T171410Z` (ISO 8601, basic format).
  package var basic: String { formatted("YYYYMMDDThhmmssZ") }

  /// `20261124T17`.
  package var basicHour: String { formatted("YYYYMMDDThh") }

  /// The pattern with its letters replaced by digits, from the last one of each on.
  private func formatted(_ pattern: String, milliseconds: Int64 = 0) -> String {
    var (year, month, day) = (self.year, self.month, self.day)
    var (hour, minute, second, thousandths) = (self.hour, self.minute, self.second, milliseconds)
    var text = Array(pattern.utf8)
    for index in text.indices.reversed() {
      switch text[index] {
      case UInt8(ascii: "Y"): text[index] = takeLastDigit(of: &year)
      case UInt8(ascii: "M"): text[index] = takeLastDigit(of: &month)
      case UInt8(ascii: "D"): text[index] = takeLastDigit(of: &day)
      case UInt8(ascii: "h"): text[index] = takeLastDigit(of: &hour)
      case UInt8(ascii: "m"): text[index] = takeLastDigit(of: &minute)
      case UInt8(ascii: "s"): text[index] = takeLastDigit(of: &second)
      case UInt8(ascii: "n"): text[index] = takeLastDigit(of: &thousandths)
      default: break
      }
    }
    return String(decoding: text, as: UTF8.self)
  }
}

/// Of a negative number, too: a name in the spool can have asked for the year -1.
private func takeLastDigit(of number: inout Int64) -> UInt8 {
  let (rest, digit) = number.quotientAndRemainder(dividingBy: 10)
  number = rest
  return UInt8(ascii: "0") + UInt8(digit.magnitude)
}

extension Int64 {
  /// Quotient and remainder, the remainder never negative.
  fileprivate func flooredDivision(by divisor: Int64) -> (quotient: Int64, remainder: Int64) {
    let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
  }
}

extension Timestamp {
  package var rfc3339: String {
    CalendarDate(secondsSince1970: seconds).rfc3339(milliseconds: milliseconds)
  }

  /// Of `2026-11-24T17:14:10.042Z`; the fraction is dropped.
  package init?(rfc3339 text: [UInt8]) {
    let text = String(decoding: text, as: UTF8.self)
    let whole = text.utf8.count == 24 ? String(text.prefix(19)) + "Z" : text
    guard let seconds = CalendarDate.seconds(rfc3339: whole) else { return nil }
    self.init(seconds: seconds)
  }
}
