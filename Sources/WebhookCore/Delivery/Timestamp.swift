/// A moment of the wall clock, read once per request and handed down: nothing below reads a clock.
package struct Timestamp: Equatable, Sendable {
  /// Since 1970-01-01T00:00:00Z, leap seconds not counted.
  package let seconds: Int64
  /// 0 to 999.
  package let milliseconds: Int

  package init(seconds: Int64, milliseconds: Int = 0) {
    self.seconds = seconds
    self.milliseconds = milliseconds
  }
}
