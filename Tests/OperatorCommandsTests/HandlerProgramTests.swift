internal import Glibc
internal import LinuxSystem
@testable internal import OperatorCommands
internal import TestSupport
internal import Testing

struct HandlerProgramTests {
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
  }

  @discardableResult
  private func add(_ name: String, _ contents: String = "#!/bin/sh\n", mode: mode_t = 0o755) throws
    -> String
  {
    let path = try folder.write(contents.utf8, to: name)
    chmod(path, mode)
    return path
  }

  private func found(_ name: String, on path: String?) throws(HandlerError) -> String {
    let path = path.map { Array($0.utf8)[...] }
    return String(decoding: try HandlerProgram(Array(name.utf8), on: path).path, as: UTF8.self)
  }

  // MARK: Where it lies

  @Test func firstProgramOnThePathIsTaken() throws {
    try add("a/tool", mode: 0o644)
    try folder.makeFolder("b/tool")
    let tool = try add("c/tool")
    try add("d/tool")
    let path = "abcd".map { "\(folder.path)/\($0)" }.joined(separator: ":")
    #expect(try found("tool", on: path) == tool)
    #expect(try found("sh", on: nil) == "/bin/sh" || found("sh", on: nil) == "/usr/bin/sh")
    #expect(throws: HandlerError.self) { try found("tool", on: "/nonexistent") }
  }

  /// Before an event is claimed: a folder may be entered, but not started.
  @Test func folderIsNoProgram() throws {
    let place = try folder.makeFolder("tool")
    #expect {
      try found(place, on: nil)
    } throws: { error in
      (error as? HandlerError)?.message
        == "\(place): Is a directory; name a program that can be executed"
    }
  }

  @Test func pathNeedNotBeUTF8() throws {
    let name = Array("\(folder.path)/caf".utf8) + [0xE9]
    try #require(withCString(name) { mkdir($0, 0o755) } == 0)
    let tool = name + Array("/tool".utf8)
    let file = FileDescriptor(owning: withCString(tool) { open($0, O_CREAT | O_WRONLY, 0o755) })
    #expect(file.raw >= 0)
    #expect(try HandlerProgram(Array("tool".utf8), on: name[...]).path == tool)
  }

  /// As execvp(3) has it.
  @Test(arguments: ["", ":/usr/bin", "/nonexistent::/usr/bin", "/nonexistent:"])
  func emptyElementOfThePathIsTheWorkingDirectory(path: String) async {
    await #expect(processExitsWith: .success) { [path] in
      let tests = try HandlerProgramTests()
      try tests.add("tool-of-a-test")
      try #require(chdir(tests.folder.path) == 0)
      #expect(try tests.found("tool-of-a-test", on: path) == "./tool-of-a-test")
    }
  }

  @Test(arguments: ["tool", "there/is/none"])
  func programThatIsNotThereIsNamed(name: String) throws {
    let error = #expect(throws: HandlerError.self) { try found(name, on: "/nonexistent") }
    #expect(error?.message.hasPrefix("\(name): ") == true)
  }

  // MARK: What is wrong with it

  @Test(arguments: [
    (
      "#!/bin/sh\r\nexit 0\r\n",
      "its first line ends in a carriage return; convert it with dos2unix"
    ),
    ("#!/usr/bin/foo\n", "the interpreter /usr/bin/foo of its first line is not there"),
    ("#! \t/usr/bin/foo -x\n", "the interpreter /usr/bin/foo of its first line is not there"),
    ("#!/etc/passwd\n", "the interpreter /etc/passwd of its first line: Permission denied"),
    ("no program", "Exec format error; does it begin with a line such as #!/bin/sh?"),
  ])
  func scriptThatCannotBeStartedNamesTheRemedy(contents: String, problem: String) async throws {
    let path = try add("script", contents)
    var said = ""
    // A child of another test has the new file open for writing until it has become its program.
    let isSaid = try await eventually {
      said = try explanation(of: path)
      return !said.contains("it is open for writing")
    }
    #expect(isSaid && said == "\(path): \(problem)")
  }

  @Test func programWhoseLoaderIsNotThereNamesTheRemedy() async throws {
    let path = try folder.write(
      fileBytes("/bin/sh").replacing("/ld-linux".utf8, with: "/no-linux".utf8), to: "program")
    chmod(path, 0o755)
    #expect(
      try await eventually {
        try explanation(of: path).contains("the loader that it names is not there")
      })
  }

  @Test func programThatIsOpenForWritingNamesTheRemedy() throws {
    let path = try add("script")
    let writer = FileDescriptor(owning: open(path, O_WRONLY | O_CLOEXEC))
    #expect(try explanation(of: path).contains("it is open for writing"))
    withExtendedLifetime(writer) {}
  }

  /// What is told if the program at `path` has not been started.
  private func explanation(of path: String) throws -> String {
    let program = try HandlerProgram(Array(path.utf8), on: nil)
    let error = #expect(throws: SystemError.self) {
      _ = try ChildProcess(
        path: program.path, arguments: [program.path], environment: [], input: 0, error: 2)
    }
    return program.explanation(of: try #require(error).errno)
  }
}
