internal import CommandLineProgram
internal import Testing

struct ByteSizeTests {
  @Test(arguments: [
    ("0", 0), ("512", 512), ("1K", 1_000), ("500M", 500_000_000), ("5G", 5_000_000_000),
    ("9223372T", 9_223_372_000_000_000_000),
  ])
  func numberWithItsUnitIsRead(text: String, bytes: Int) {
    #expect(ByteSize(argument: text)?.bytes == bytes)
  }

  @Test(arguments: ["", "K", "-1", "+1K", "1.5G", "5g", "5GB", "5 G", "٣K", "9223373T"])
  func otherTextIsNoSize(text: String) {
    #expect(ByteSize(argument: text) == nil)
  }

  @Test(arguments: [
    (0, "0 B"), (999, "999 B"), (1_000, "1.0 kB"), (9_999, "9.9 kB"), (10_000, "10 kB"),
    (999_999, "999 kB"), (1_000_000, "1.0 MB"), (84_558_213_120, "84 GB"),
    (1_200_000_000_000, "1.2 TB"), (.max, "9223372 TB"),
  ])
  func wordsAreInTheLargestUnitOfWhichThereIsOne(bytes: Int, words: String) {
    #expect(ByteSize(bytes: bytes).words == words)
  }
}
