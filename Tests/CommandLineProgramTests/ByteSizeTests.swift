internal import CommandLineProgram
internal import Testing

struct ByteSizeTests {
  @Test(arguments: [
    ("0", 0), ("512", 512), ("1K", 1_024), ("500M", 524_288_000), ("5G", 5_368_709_120),
    ("8388607T", 9_223_370_937_343_148_032),
  ])
  func numberWithItsUnitIsRead(text: String, bytes: Int) {
    #expect(ByteSize(argument: text)?.bytes == bytes)
  }

  @Test(arguments: ["", "K", "-1", "+1K", "1.5G", "5g", "5GB", "5 G", "٣K", "8388608T"])
  func otherTextIsNoSize(text: String) {
    #expect(ByteSize(argument: text) == nil)
  }

  @Test(arguments: [
    (0, "0 bytes"), (2_047, "2047 bytes"), (2_048, "2 KiB"), (84_558_213_120, "78 GiB"),
    (Int.max, "8388607 TiB"),
  ])
  func wordsAreInTheLargestUnitOfWhichThereAreTwo(bytes: Int, words: String) {
    #expect(ByteSize(bytes: bytes).words == words)
  }
}
