internal import Glibc
internal import LinuxSystem
internal import Testing

struct PipeTests {
  @Test func bytesComeOutInTheirOrder() throws {
    let pipe = try Pipe()
    try writeAll(Array("four".utf8), to: pipe.writeEnd.raw)
    let output = pipe.closingWriteEnd()
    #expect(try contents(of: output.raw, "", maxBytes: 10) == Array("four".utf8))
  }

  @Test func neitherEndIsInheritedByAChild() throws {
    let pipe = try Pipe()
    #expect(fcntl(pipe.readEnd.raw, F_GETFD) & FD_CLOEXEC != 0)
    #expect(fcntl(pipe.writeEnd.raw, F_GETFD) & FD_CLOEXEC != 0)
  }

  @Test func pipeCanBeReadOnceSomethingIsInIt() throws {
    let pipe = try Pipe()
    #expect(!isReadable(pipe.readEnd.raw, withinMilliseconds: 0))
    try writeAll([0], to: pipe.writeEnd.raw)
    #expect(isReadable(pipe.readEnd.raw, withinMilliseconds: 0))
  }

  @Test func pipeTakesBytesUntilItIsFull() throws {
    let pipe = try Pipe()
    #expect(isWritable(pipe.writeEnd.raw))
    makeNonBlocking(pipe.writeEnd.raw)
    let bytes = [UInt8](repeating: 0, count: 4_096)
    while write(pipe.writeEnd.raw, bytes, bytes.count) > 0 {}
    #expect(!isWritable(pipe.writeEnd.raw))
  }

  @Test func readerThatIsThereHasNotGone() throws {
    let pipe = try Pipe()
    #expect(!isReaderGone(pipe.writeEnd.raw))
  }
}
