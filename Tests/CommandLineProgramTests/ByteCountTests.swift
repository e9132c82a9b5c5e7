internal import CommandLineProgram
internal import Testing

struct ByteCountTests {
  @Test(arguments: [
    (0, "0 B"), (999, "999 B"), (1_000, "1.0 kB"), (9_999, "9.9 kB"), (10_000, "10 kB"),
    (999_999, "999 kB"), (1_000_000, "1.0 MB"), (84_558_213_120, "84 GB"),
    (1_200_000_000_000, "1.2 TB"), (.max, "9223372 TB"),
  ])
  func wordsAreInTheLargestUnitOfWhichThereIsOne(bytes: Int, words: String) {
    #expect(ByteCount(bytes).words == words)
  }
}
