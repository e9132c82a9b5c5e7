internal import Glibc
internal import LinuxSystem
internal import Testing

/// Each starts a shell, and waits for as long as that takes.
struct ChildProcessTests {
  private func start(
    _ script: String, environment: [String] = [], input: Int32? = nil, error: Int32? = nil
  ) throws(SystemError) -> ChildProcess {
    let none = FileDescriptor(owning: open("/dev/null", O_RDWR | O_CLOEXEC))
    return try ChildProcess(
      path: "/bin/sh", arguments: ["sh", "-c", script], environment: environment,
      input: input ?? none.raw, error: error ?? none.raw)
  }

  /// Waits for its end.
  private func ending(of process: borrowing ChildProcess) throws -> ChildProcess.Ending? {
    // Without a descriptor, poll(2) would wait without an end.
    try #require(process.descriptor >= 0)
    waitUntilReadable([process.descriptor], milliseconds: -1)
    return process.ending()
  }

  @Test(
    arguments: [
      ("exit 0", .exit(0)), ("exit 3", .exit(3)), ("exit 255", .exit(255)),
      ("kill -9 $$", .signal(SIGKILL)), ("kill -TERM $$", .signal(SIGTERM)),
    ] as [(String, ChildProcess.Ending)])
  func endingIsTold(script: String, ending: ChildProcess.Ending) throws {
    let process = try start(script)
    #expect(try self.ending(of: process) == ending)
  }

  @Test func runningProcessHasNoEndingUntilASignalEndsIt() throws {
    let input = try Pipe()
    let process = try start("read line", input: input.readEnd.raw)
    let early = process.ending()
    #expect(early == nil)
    process.send(signal: SIGTERM)
    #expect(try ending(of: process) == .signal(SIGTERM))
  }

  @Test func processReadsItsInputAndWritesItsError() throws {
    let input = try Pipe()
    let error = try Pipe()
    try writeAll(Array("a line\n".utf8), to: input.writeEnd.raw)
    let process = try start(
      #"read line; printf '%s, %s' "$GREETING" "$line" >&2"#, environment: ["GREETING=hello"],
      input: input.readEnd.raw, error: error.writeEnd.raw)
    let output = error.closingWriteEnd()
    #expect(try contents(of: output.raw, "", maxBytes: 100) == Array("hello, a line".utf8))
    #expect(try ending(of: process) == .exit(0))
  }

  @Test func processLeadsAGroupOfItsOwn() throws {
    // The fifth field is the process group (proc_pid_stat(5)).
    let process = try start(
      "read -r id name state parent group rest < /proc/self/stat; test $group = $$")
    #expect(try ending(of: process) == .exit(0))
  }

  @Test func programThatIsNotThereIsNotStarted() {
    #expect(throws: SystemError(.spawn, "/nonexistent", errno: ENOENT)) {
      _ = try ChildProcess(
        path: "/nonexistent", arguments: ["x"], environment: [], input: 0, error: 2)
    }
  }
}
