@testable internal import EventForwarding
internal import Glibc
internal import TestSupport
internal import Testing

struct HeaderFileTests {
  private func fields(_ text: String) throws(HeaderFileError) -> [String] {
    try headerFields(parsing: Array(text.utf8))
  }

  // MARK: Its text

  @Test(arguments: [
    ("Authorization: Bearer x", ["Authorization: Bearer x"]),
    ("A: b\nC:d\n", ["A: b", "C:d"]), ("\n\nA: b\n\n", ["A: b"]),
    ("!#$%&'*+-.^_`|~09azAZ: ~ !", ["!#$%&'*+-.^_`|~09azAZ: ~ !"]), ("A: b: c", ["A: b: c"]),
    ("A: b\r\nB: c\r\n\r\n", ["A: b", "B: c"]),
  ])
  func fieldsAreReadLineByLine(text: String, expected: [String]) throws {
    #expect(try fields(text) == expected)
  }

  @Test(arguments: ["", "\n", "\n\n\n"])
  func textWithoutAFieldIsEmpty(text: String) {
    #expect(throws: HeaderFileError.empty) { try fields(text) }
  }

  @Test(arguments: [
    ("A", 1), (": b", 1), ("A:", 1), ("A:  ", 1), ("A b: c", 1), ("A : b", 1), (" A: b", 1),
    ("A: b\nB", 2), ("\n\nA", 3), ("A: b\r\r\n", 1), ("A: b\rB: c\n", 1), ("A: é", 1),
    ("A: \u{7F}", 1),
    ("A: b\tc", 1), ("É: b", 1), ("A: b\0", 1), ("# a comment", 1),
  ])
  func lineThatIsNoFieldIsNamed(text: String, line: Int) {
    #expect(throws: HeaderFileError.notAField(line: line)) { try fields(text) }
  }

  // MARK: The file

  private func error(_ contents: [UInt8]?) throws -> TargetError? {
    let folder = try TemporaryFolder()
    if let contents { try folder.write(contents, to: "headers") }
    do throws(TargetError) {
      _ = try HeaderFile(path: "\(folder.path)/headers").fields()
      return nil
    } catch {
      return error
    }
  }

  @Test func fileOfFieldsIsTaken() throws {
    #expect(try error(Array("A: b\n".utf8)) == nil)
  }

  @Test func emptyFileMayBeWrittenAgain() throws {
    #expect(try error([])?.kind == .unavailable(afterSeconds: 0))
  }

  @Test func fileOfAnythingElseIsAMistake() throws {
    let error = try error(Array("A: b\nsecret\n".utf8))
    #expect(error?.kind == .misconfigured)
    #expect(error?.message.contains("line 2 ") == true)
    #expect(error?.message.contains("secret") == false)
  }

  @Test func missingFileIsAMistake() throws {
    let error = try error(nil)
    #expect(error?.kind == .misconfigured)
    #expect(error?.message.hasSuffix("/headers: No such file or directory") == true)
  }

  @Test func fileMayHave65536Bytes() throws {
    let line = Array("A: ".utf8) + [UInt8](repeating: 0x78, count: 65_532)
    #expect(try error(line + Array("\n".utf8)) == nil)
    #expect(try error(line + Array("x\n".utf8))?.kind == .misconfigured)
  }
}
