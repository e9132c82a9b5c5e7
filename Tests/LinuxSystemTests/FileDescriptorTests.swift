internal import Glibc
internal import LinuxSystem
internal import Testing

struct FileDescriptorTests {
  @Test func descriptorIsClosedWhenItGoesAway() throws {
    let pair = try SocketPair()
    let other = pair.other.raw
    _ = consume pair.one
    #expect(isAtEnd(other))
  }

  @Test func releasedDescriptorStaysOpen() throws {
    let pair = try SocketPair()
    let raw = pair.one.release()
    defer { close(raw) }
    #expect(send(raw, "x", 1, Int32(MSG_NOSIGNAL)) == 1)
    #expect(!isAtEnd(pair.other.raw))
  }

  @Test func duplicateOutlivesTheFirst() throws {
    let pair = try SocketPair()
    guard let copy = FileDescriptor.duplicate(of: pair.one.raw) else { throw NoDescriptor() }
    _ = consume pair.one
    #expect(send(copy.raw, "x", 1, Int32(MSG_NOSIGNAL)) == 1)
    #expect(!isAtEnd(pair.other.raw))
  }

  @Test func duplicateIsInheritedByNoChild() throws {
    let pair = try SocketPair()
    guard let copy = FileDescriptor.duplicate(of: pair.one.raw) else { throw NoDescriptor() }
    #expect(copy.raw != pair.one.raw)
    #expect(fcntl(copy.raw, F_GETFD) & FD_CLOEXEC != 0)
  }

  @Test func descriptorThatIsNotOpenIsNotDuplicated() {
    let isThere = FileDescriptor.duplicate(of: -1) != nil
    #expect(!isThere)
  }

  @Test func nonBlockingReadReturnsAtOnce() throws {
    let pipe = try Pipe()
    makeNonBlocking(pipe.readEnd.raw)
    var byte: UInt8 = 0
    #expect(read(pipe.readEnd.raw, &byte, 1) == -1)
    #expect(errno == EAGAIN)
  }
}
