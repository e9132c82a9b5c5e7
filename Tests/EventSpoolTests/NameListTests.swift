internal import EventSpool
internal import Testing

struct NameListTests {
  private func offer(_ name: String, in folder: Int = 0, to list: NameList) {
    var name = name
    name.withUTF8 { list.offer(UnsafeRawBufferPointer($0), in: folder) }
  }

  private func texts(_ list: NameList) -> [String] { list.sorted().map(\.text) }

  @Test func namesComeInTheOrderOfTheirBytes() {
    let list = NameList()
    for name in ["b", "", "a", "ab", "B", "é", "aa"] { offer(name, to: list) }
    #expect(texts(list) == ["", "B", "a", "aa", "ab", "b", "é"])
    #expect(!list.isCut)
  }

  @Test(arguments: [1, 2, 31, 32, 33, 500, 1_000, 2_000])
  func oldestAreKept(limit: Int) {
    let names = (0..<1_000).map { "name \(1_000 + $0)" }
    let list = NameList(limit: limit)
    for name in names.shuffled() { offer(name, to: list) }
    #expect(texts(list) == Array(names.prefix(limit)))
    #expect(list.isCut == (limit < 1_000))
    // Nothing changes by asking again.
    #expect(texts(list) == Array(names.prefix(limit)))
  }

  @Test(arguments: [1, 2, 31, 32, 33, 500, 1_000, 2_000])
  func newestAreKept(limit: Int) {
    let names = (0..<1_000).map { "name \(1_000 + $0)" }
    let list = NameList(limit: limit, keeping: .newest)
    for name in names.shuffled() { offer(name, to: list) }
    #expect(texts(list) == Array(names.suffix(limit)))
    #expect(list.isCut == (limit < 1_000))
    // Nothing changes by asking again.
    #expect(texts(list) == Array(names.suffix(limit)))
  }

  @Test func limitMayBeAnyNumber() {
    for limit in [Int.max / 2, .max / 2 + 1, .max - 1, .max] {
      let list = NameList(limit: limit)
      for number in 100..<200 { offer("\(number)", to: list) }
      #expect(list.count == 100 && texts(list).first == "100")
    }
  }

  @Test func equalNamesComeInTheOrderOfTheirFolders() {
    let list = NameList(limit: 3)
    for folder in [2, 0, 3, 1] { offer("same", in: folder, to: list) }
    #expect(list.sorted().map(\.folder) == [0, 1, 2])
    let newest = NameList(limit: 3, keeping: .newest)
    for folder in [2, 0, 3, 1] { offer("same", in: folder, to: newest) }
    #expect(newest.sorted().map(\.folder) == [1, 2, 3])
  }

  @Test func nameMayBeAsLongAsAFilesIsAndManyFillManyBlocks() {
    let names = (0..<9_000).map { String(repeating: "x", count: 250) + "\(10_000 + $0)" }
    let list = NameList()
    for name in names.reversed() { offer(name, to: list) }
    #expect(texts(list) == names)
  }
}
