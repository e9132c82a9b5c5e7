internal import EventSpool
internal import Testing

struct IssueClockTests {
  /// One after the other, by one clock.
  @Test func timesAreThoseThatTheNamesBeginWith() {
    var clock = IssueClock()
    for (name, seconds) in [
      ("20260921T141320Z-a.json", 1_790_000_000), ("20260921T141321Z-b.json", 1_790_000_001),
      ("20260921T150000Z-c.json", 1_790_002_800), ("20260231T150000Z-d.json", nil),
      ("20260231T150001Z-d.json", nil), ("20260921T141360Z-e.json", nil), ("f.json", nil),
      ("", nil), ("20260921T141320Z-a.json", 1_790_000_000),
    ] as [(String, Int64?)] {
      var text = name
      let found = text.withUTF8 { clock.seconds(of: UnsafeRawBufferPointer($0)) }
      #expect(found == seconds, "\(name)")
    }
  }
}
