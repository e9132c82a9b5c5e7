internal import Glibc
internal import LinuxSystem
internal import Testing

struct SystemErrorTests {
  @Test func resultOfACallThatSucceedsIsReturned() throws {
    #expect(try checked(.read, "/x") { 7 } == 7)
    #expect(try checked(.read, "/x") { 0 } == 0)
  }

  @Test func failedCallIsThrownWithItsPathAndErrorNumber() {
    #expect(throws: SystemError(.mkdir, "/x", errno: EACCES)) {
      try checked(.mkdir, "/x") {
        errno = EACCES
        return -1
      }
    }
  }

  @Test func interruptedCallIsMadeAgain() throws {
    var results = [-1, -1, 5]
    let result = try checked(.read) {
      errno = EINTR
      return results.removeFirst()
    }
    #expect(result == 5)
    #expect(results == [])
  }

  @Test func failedCallIsNotMadeAgain() {
    var count = 0
    let result = retrying {
      count += 1
      errno = EAGAIN
      return -1
    }
    #expect(result == -1)
    #expect(count == 1)
  }

  @Test func reasonIsTheSystemsText() {
    #expect(SystemError(.open, "/x", errno: ENOENT).reason == "No such file or directory")
  }
}
