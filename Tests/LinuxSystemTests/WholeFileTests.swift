internal import Glibc
internal import LinuxSystem
internal import TestSupport
internal import Testing

struct WholeFileTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func file(_ bytes: [UInt8]) throws -> String { try folder.write(bytes, to: "file") }

  private func opened(_ path: String) throws -> FileDescriptor {
    FileDescriptor(owning: try checked(.open, path) { open(path, O_RDONLY | O_CLOEXEC) })
  }

  // MARK: Reading

  @Test(arguments: [0, 1, 16_383, 16_384, 16_385, 50_000])
  func fileIsReadToItsEnd(count: Int) throws {
    let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    #expect(try contents(ofFile: file(bytes), maxBytes: 1 << 20) == bytes)
  }

  @Test(arguments: [(9, 9), (10, 10), (11, 11), (12, 11), (1_000, 11)])
  func oneByteMoreThanTheLimitTellsThatThereAreMore(count: Int, readCount: Int) throws {
    let path = try file([UInt8](repeating: 0x78, count: count))
    #expect(try contents(ofFile: path, maxBytes: 10).count == readCount)
  }

  @Test func positionMovesToTheEnd() throws {
    let descriptor = try opened(file(Array("four".utf8)))
    _ = try contents(of: descriptor.raw, "file", maxBytes: 10)
    #expect(lseek(descriptor.raw, 0, SEEK_CUR) == 4)
  }

  @Test func positionStaysIfOthersShareIt() throws {
    let descriptor = try opened(file(Array("four".utf8)))
    lseek(descriptor.raw, 1, SEEK_SET)
    let bytes = try contents(of: descriptor.raw, "file", maxBytes: 10, keepsPosition: true)
    #expect(bytes == Array("four".utf8))
    #expect(lseek(descriptor.raw, 0, SEEK_CUR) == 1)
  }

  @Test func missingFileIsNamed() {
    let path = "\(folder.path)/missing"
    #expect(throws: SystemError(.open, path, errno: ENOENT)) {
      try contents(ofFile: path, maxBytes: 10)
    }
  }

  @Test func folderIsNotRead() {
    #expect(throws: SystemError(.read, folder.path, errno: EISDIR)) {
      try contents(ofFile: folder.path, maxBytes: 10)
    }
  }

  @Test func fileBehindALinkIsRead() throws {
    symlink(try file(Array("four".utf8)), "\(folder.path)/link")
    #expect(try contents(ofFile: "\(folder.path)/link", maxBytes: 10) == Array("four".utf8))
  }

  /// Nor taken for an empty file.
  @Test func pipeThatNobodyWritesToIsNotWaitedFor() {
    let path = "\(folder.path)/pipe"
    mkfifo(path, 0o600)
    let error = #expect(throws: SystemError.self) { try contents(ofFile: path, maxBytes: 10) }
    #expect(error?.reason.hasPrefix("it is a pipe") == true)
  }

  // MARK: Writing

  /// Writes `bytes` by calls that each take as many of them as `take` says.
  /// - Returns: the bytes that arrived, and how many calls there were.
  private func written(
    _ bytes: [UInt8], _ take: (Int) -> Int
  ) throws(SystemError) -> (bytes: [UInt8], calls: Int) {
    var arrived: [UInt8] = []
    var calls = 0
    try writeAll(bytes, to: -1, "/x") { _, address, count in
      calls += 1
      let taken = take(count)
      if taken > 0 { arrived += UnsafeRawBufferPointer(start: address, count: taken) }
      return taken
    }
    return (arrived, calls)
  }

  @Test func shortWritesAreContinued() throws {
    let bytes = Array("ten bytes.".utf8)
    let (arrived, calls) = try written(bytes) { min($0, 3) }
    #expect(arrived == bytes)
    #expect(calls == 4)
  }

  @Test func emptyTextNeedsNoWrite() throws {
    #expect(try written([]) { $0 }.calls == 0)
  }

  @Test func interruptedWriteIsMadeAgain() throws {
    var isFirst = true
    let (arrived, calls) = try written(Array("four".utf8)) { count in
      defer { isFirst = false }
      errno = EINTR
      return isFirst ? -1 : count
    }
    #expect(arrived == Array("four".utf8))
    #expect(calls == 2)
  }

  @Test func writeThatTakesNothingIsAFailure() {
    #expect(throws: SystemError(.write, "/x", errno: EIO)) {
      try written(Array("four".utf8)) { _ in 0 }
    }
  }

  @Test func writeThatFailsAfterAShortOneIsAFailure() {
    #expect(throws: SystemError(.write, "/x", errno: ENOSPC)) {
      try written(Array("four".utf8)) { count in
        errno = ENOSPC
        return count == 4 ? 1 : -1
      }
    }
  }
}
