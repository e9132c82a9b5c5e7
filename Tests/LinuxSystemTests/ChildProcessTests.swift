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
      path: Array("/bin/sh".utf8), arguments: ["sh", "-c", script].map { Array($0.utf8) },
      environment: environment.map { Array($0.utf8) }, input: input ?? none.raw,
      error: error ?? none.raw)
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
    process.askToEnd()
    #expect(try ending(of: process) == .signal(SIGTERM))
  }

  @Test func stoppedProcessIsContinuedWhenItIsAskedToEnd() throws {
    let error = try Pipe()
    let process = try start(
      "trap 'exit 7' TERM; echo begun >&2; kill -STOP $$; while :; do sleep 1; done",
      error: error.writeEnd.raw)
    let output = error.closingWriteEnd()
    #expect(isReadable(output.raw, withinMilliseconds: -1))
    process.askToEnd()
    #expect(try ending(of: process) == .exit(7))
  }

  @Test func processIsEndedWhateverItIgnores() throws {
    let error = try Pipe()
    let process = try start(
      "trap '' TERM; echo begun >&2; while :; do sleep 1; done", error: error.writeEnd.raw)
    let output = error.closingWriteEnd()
    #expect(isReadable(output.raw, withinMilliseconds: -1))
    process.end()
    #expect(try ending(of: process) == .signal(SIGKILL))
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

  @Test func processLeadsAGroupAndASessionOfItsOwn() throws {
    // The fifth and the sixth field (proc_pid_stat(5)).
    let process = try start(
      "read -r id name state parent group session rest < /proc/self/stat; "
        + "test $group = $$ && test $session = $$")
    #expect(try ending(of: process) == .exit(0))
  }

  @Test(arguments: [("/nonexistent", ENOENT), ("/etc/passwd", EACCES), ("/", EACCES)])
  func programThatCannotBeStartedSaysWhy(path: String, code: Int32) {
    #expect(throws: SystemError(.spawn, path, errno: code)) {
      _ = try ChildProcess(
        path: Array(path.utf8), arguments: [Array("x".utf8)], environment: [], input: 0, error: 2)
    }
  }

  @Test func textsAreHandedOverByteForByte() throws {
    let error = try Pipe()
    let process = try ChildProcess(
      path: Array("/bin/sh".utf8),
      arguments: ["sh", "-c", #"printf %s "$1$NAME" >&2"#, "sh"].map { Array($0.utf8) } + [[0xE9]],
      environment: [Array("NAME=caf".utf8) + [0xE8]], input: 0, error: error.writeEnd.raw)
    let output = error.closingWriteEnd()
    #expect(
      try contents(of: output.raw, "", maxBytes: 100) == [0xE9] + Array("caf".utf8) + [0xE8])
    #expect(try ending(of: process) == .exit(0))
  }

  // MARK: In a process of their own, for they change what belongs to all of it

  @Test func processHasTheLimitOnOpenFilesFromBeforeItWasRaised() async {
    await #expect(processExitsWith: .success) {
      try setDescriptorLimit(rlimit(rlim_cur: 300, rlim_max: 900))
      #expect(raisedDescriptorLimit() == 900)
      #expect(raisedDescriptorLimit() == 900)
      let tests = ChildProcessTests()
      let process = try tests.start("test $(ulimit -Sn) = 300 && test $(ulimit -Hn) = 900")
      #expect(try tests.ending(of: process) == .exit(0))
      // If somebody has lowered it since, that is a bound, and no failure.
      try setDescriptorLimit(rlimit(rlim_cur: 200, rlim_max: 200))
      let next = try tests.start("test $(ulimit -Sn) = 200 && test $(ulimit -Hn) = 200")
      #expect(try tests.ending(of: next) == .exit(0))
    }
  }

  @Test(arguments: [[2, 0], [0, 2], [1, 0], [2, 1], [3, 0], [0, 3]])
  func inputAndErrorMayBeAnyDescriptors(numbers: [Int32]) async {
    await #expect(processExitsWith: .success) { [numbers] in
      let given = try Pipe()
      let said = try Pipe()
      // 3 stands for the first that is free, because the test runner has some of its own.
      let free = fcntl(given.readEnd.raw, F_DUPFD_CLOEXEC, 3)
      try #require(free >= 3)
      let input = numbers[0] == 3 ? free : numbers[0]
      let error = numbers[1] == 3 ? free : numbers[1]
      try writeAll(Array("a line\n".utf8), to: given.writeEnd.raw)
      // Far from those that are about to be replaced.
      let source = fcntl(given.readEnd.raw, F_DUPFD_CLOEXEC, 50)
      let target = fcntl(said.writeEnd.raw, F_DUPFD_CLOEXEC, 50)
      let result = fcntl(said.readEnd.raw, F_DUPFD_CLOEXEC, 50)
      try #require(source >= 50 && target >= 50 && result >= 50)
      try #require(dup2(source, input) == input && dup2(target, error) == error)
      let script = "read line; echo \"$line\" >&2; ls /proc/self/fd | wc -l >&2"
      let tests = ChildProcessTests()
      let process = try tests.start(script, input: input, error: error)
      #expect(try tests.ending(of: process) == .exit(0))
      makeNonBlocking(result)
      var bytes = [UInt8](repeating: 0, count: 100)
      let count = read(result, &bytes, bytes.count)
      // 0, 1, 2 and the one that ls opens.
      #expect(bytes.prefix(max(0, count)) == Array("a line\n4\n".utf8)[...])
    }
  }

  @Test func signalsThatAreIgnoredOrBlockedHereAreNeitherInTheProcess() async {
    await #expect(processExitsWith: .success) {
      for number in [SIGHUP, SIGINT, SIGPIPE, SIGTSTP, SIGUSR1] { signal(number, SIG_IGN) }
      let blocked = try SignalDescriptor([SIGTERM, SIGQUIT])
      let tests = ChildProcessTests()
      for number in [SIGHUP, SIGINT, SIGPIPE, SIGUSR1, SIGTERM, SIGQUIT] {
        let process = try tests.start("kill -\(number) $$; exit 0")
        #expect(try tests.ending(of: process) == .signal(number))
      }
      withExtendedLifetime(blocked) {}
    }
  }
}

private func setDescriptorLimit(_ limit: rlimit) throws {
  var limit = limit
  let result = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
  try #require(result == 0)
}
