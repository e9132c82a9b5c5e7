internal import Glibc
internal import LinuxSystem
@testable internal import OperatorCommands
internal import TestSupport
internal import Testing

final class HandlerOutputTests {
  private let pipe: Pipe
  private let folder: TemporaryFolder
  private let log: FileDescriptor

  init() throws {
    pipe = try Pipe()
    makeNonBlocking(pipe.readEnd.raw)
    folder = try TemporaryFolder()
    log = FileDescriptor(
      owning: open("\(folder.path)/log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600))
  }

  private func say(_ text: String) throws { try writeAll(Array(text.utf8), to: pipe.writeEnd.raw) }

  /// Has it read what was said.
  private func read(_ output: inout HandlerOutput) {
    let isOpen = output.read(from: pipe.readEnd.raw)
    #expect(isOpen)
  }

  @Test func allOfItIsPassedOnAndItsEndIsKept() throws {
    var output = HandlerOutput(passedOnTo: log.raw)
    read(&output)
    #expect(output.text == "")
    try say("one\n")
    read(&output)
    try say("two\n")
    read(&output)
    #expect(output.text == "one\ntwo\n" && folder.text(of: "log") == "one\ntwo\n")
    #expect(output.cutBytes == 0)
  }

  @Test func whatIsOverTheBoundIsCountedAndItsRealEndIsKept() throws {
    var output = HandlerOutput(passedOnTo: log.raw)
    let line = String(repeating: "x", count: 1_023) + "\n"
    let lines = HandlerOutput.maximumPassedBytes / line.utf8.count
    for count in 0..<lines {
      try say(line)
      if count % 32 == 31 { read(&output) }
    }
    #expect(output.cutBytes == 0)
    try say(String(repeating: "y", count: 6_000) + "end")
    read(&output)
    try say("!")
    read(&output)
    #expect(output.cutBytes == 6_004)
    #expect(output.text == String(repeating: "y", count: 4_092) + "end!")
    #expect(folder.text(of: "log") == String(repeating: line, count: lines))
  }

  @Test func whatNobodyReadsIsCountedAndNotWaitedFor() throws {
    let full = try Pipe()
    var output = HandlerOutput(passedOnTo: full.writeEnd.raw)
    let piece = String(repeating: "x", count: 8_192)
    for _ in 0..<32 {
      try say(piece)
      read(&output)
    }
    makeNonBlocking(full.readEnd.raw)
    var bytes = [UInt8](repeating: 0, count: 1 << 20)
    let passed = Glibc.read(full.readEnd.raw, &bytes, bytes.count)
    #expect(passed > 0 && output.cutBytes > 0 && passed + output.cutBytes == 32 * 8_192)
  }

  @Test func noMoreComesOnceNobodyWrites() throws {
    let pipe = try Pipe()
    let end = pipe.closingWriteEnd()
    var output = HandlerOutput(passedOnTo: log.raw)
    let isOpen = output.read(from: end.raw)
    #expect(!isOpen)
  }
}
