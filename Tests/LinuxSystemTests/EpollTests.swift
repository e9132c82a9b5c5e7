internal import Glibc
internal import LinuxSystem
internal import Testing

struct EpollTests {
  /// The numbers of what can be read.
  private func ready(_ epoll: borrowing Epoll, milliseconds: Int32 = 0) -> [UInt64] {
    var numbers: [UInt64] = []
    epoll.wait(milliseconds: milliseconds) { numbers.append($0) }
    return numbers.sorted()
  }

  @Test func descriptorIsReportedByItsNumberOnceItCanBeRead() throws {
    let epoll = try Epoll()
    let pipe = try Pipe()
    try epoll.add(pipe.readEnd.raw, as: .max, isOneShot: false)
    #expect(ready(epoll) == [])
    try writeAll([0], to: pipe.writeEnd.raw)
    #expect(ready(epoll) == [.max])
  }

  @Test func descriptorIsReportedAsLongAsItCanBeRead() throws {
    let epoll = try Epoll()
    let pipe = try Pipe()
    try epoll.add(pipe.readEnd.raw, as: 5, isOneShot: false)
    try writeAll([0], to: pipe.writeEnd.raw)
    for _ in 0..<3 { #expect(ready(epoll) == [5]) }
  }

  @Test func oneShotIsReportedOnceAndAgainAfterItIsRearmed() throws {
    let epoll = try Epoll()
    let pipe = try Pipe()
    try epoll.add(pipe.readEnd.raw, as: 5, isOneShot: true)
    try writeAll([0], to: pipe.writeEnd.raw)
    #expect(ready(epoll) == [5])
    #expect(ready(epoll) == [])
    try epoll.rearm(pipe.readEnd.raw, as: 6)
    #expect(ready(epoll) == [6])
    #expect(ready(epoll) == [])
  }

  @Test func severalAreReportedAtOnce() throws {
    let epoll = try Epoll()
    let one = try Pipe()
    let other = try Pipe()
    let third = try Pipe()
    try epoll.add(one.readEnd.raw, as: 1, isOneShot: false)
    try epoll.add(other.readEnd.raw, as: 2, isOneShot: false)
    try epoll.add(third.readEnd.raw, as: 3, isOneShot: false)
    try writeAll([0], to: one.writeEnd.raw)
    try writeAll([0], to: third.writeEnd.raw)
    #expect(ready(epoll) == [1, 3])
  }

  @Test func removedDescriptorIsNotReported() throws {
    let epoll = try Epoll()
    let pipe = try Pipe()
    try epoll.add(pipe.readEnd.raw, as: 5, isOneShot: false)
    try writeAll([0], to: pipe.writeEnd.raw)
    epoll.remove(pipe.readEnd.raw)
    #expect(ready(epoll) == [])
    // A second removal does no harm.
    epoll.remove(pipe.readEnd.raw)
  }

  @Test func endOfThePeerIsReported() throws {
    let epoll = try Epoll()
    let pair = try SocketPair()
    try epoll.add(pair.one.raw, as: 5, isOneShot: false)
    #expect(ready(epoll) == [])
    _ = consume pair.other
    #expect(ready(epoll, milliseconds: -1) == [5])
  }

  @Test func descriptorThatIsNotOpenIsRefused() {
    #expect(throws: SystemError(.epollControl, errno: EBADF)) {
      try Epoll().add(-1, as: 5, isOneShot: false)
    }
  }
}
