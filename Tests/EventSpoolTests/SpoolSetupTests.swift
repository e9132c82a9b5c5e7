internal import EventSpool
internal import Glibc
internal import LinuxSystem
internal import TestSupport
internal import Testing
internal import WebhookCore

struct SpoolSetupTests {
  private func message(in folder: String, calls: SystemCalls = SystemCalls()) throws -> String? {
    do {
      _ = try InstanceSpool.open(
        try exampleInstance().name, in: folder, calls: calls)
      return nil
    } catch let error as SpoolError {
      return error.explanation
    }
  }

  @Test func foldersAreMadeOnceAndFoundAgain() throws {
    let folder = try TemporaryFolder()
    #expect(try message(in: folder.path) == nil)
    #expect(try message(in: folder.path) == nil)
    #expect(folder.files(below: "acme") == ["format", "lock"])
    #expect(folder.text(of: "acme/format") == "1\n")
  }

  /// Otherwise a power cut could take the folder away, and with it what was acknowledged.
  @Test func everyFolderIsDurableBeforeAnythingIsStored() throws {
    let folder = try TemporaryFolder()
    let recorded = RecordedCalls()
    #expect(try message(in: folder.path, calls: recorded.systemCalls(isOnBtrfs: false)) == nil)
    let made = try #require(recorded.calls.lastIndex { $0.hasPrefix("mkdir") })
    let top = try #require(folder.path.split(separator: "/").last)
    for name in ["ids", "acme", "\(top)"] {
      #expect(recorded.calls[made...].contains("fsync \(name)"), "\(name): \(recorded.calls)")
    }
  }

  @Test func newerLayoutIsRefused() throws {
    let folder = try TemporaryFolder()
    try folder.write("2\n".utf8, to: "acme/format")
    #expect(try message(in: folder.path)?.contains("use the version that wrote the spool") == true)
    #expect(folder.files(below: "acme") == ["format"])
  }

  /// Linked events and those that are moved need one file system.
  @Test(arguments: ["new", "ids", "done"])
  func folderOnAnotherFileSystemIsRefused(name: String) throws {
    let folder = try TemporaryFolder()
    #expect(try message(in: folder.path) == nil)
    let other = "/dev/shm/\(folder.path.split(separator: "/")[1])"
    #expect(mkdir(other, 0o700) == 0)
    defer { rmdir(other) }
    #expect(rmdir("\(folder.path)/acme/\(name)") == 0)
    #expect(symlink(other, "\(folder.path)/acme/\(name)") == 0)
    #expect(try message(in: folder.path)?.contains("on one file system") == true)
    let error = #expect(throws: SpoolError.self) {
      try InstanceSpool.check(try exampleInstance().name, in: folder.path)
    }
    #expect(error?.errno == EXDEV)
  }

  @Test func missingSpoolIsNamedWithTheRemedy() throws {
    #expect(
      try message(in: "/nonexistent/spool")
        == "/nonexistent/spool: open: No such file or directory; make the folder, owned by "
        + "the user that the responder runs as, mode 0750")
  }

  @Test func fileSystemThatLacksSomethingIsRefused() throws {
    let folder = try TemporaryFolder()
    var calls = SystemCalls()
    calls.linkOpenFile = { _, _, _ in
      errno = EPERM
      return -1
    }
    #expect(try message(in: folder.path, calls: calls)?.contains("no hard links") == true)
    calls = SystemCalls()
    calls.lockByte = { _, _ in
      errno = ENOLCK
      return -1
    }
    #expect(try message(in: folder.path, calls: calls)?.contains("no byte-range locks") == true)
    calls = SystemCalls()
    // As of a file system that knows none of the call's flags: the kernel looks for the name first.
    calls.renameNew = { folder, name, _, _ in
      errno = Glibc.faccessat(folder, name, F_OK, 0) == 0 ? EINVAL : ENOENT
      return -1
    }
    #expect(
      try message(in: folder.path, calls: calls)?.contains("without replacing another") == true)
    #expect(folder.files(below: "acme") == ["format", "lock"])
    calls = SystemCalls()
    calls.faccessat = { _, _, mode, _ in
      errno = mode == F_OK ? ENOENT : EACCES
      return -1
    }
    #expect(
      try message(in: folder.path, calls: calls)?.contains("give the spool to the user") == true)
  }
}
