internal import Glibc
internal import LinuxSystem
internal import Synchronization
internal import TestSupport
internal import Testing

struct DurableReplacementTests {
  private static let old = Array("old".utf8)
  private static let new = Array("new and longer".utf8)

  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    try folder.write(Self.old, to: "file")
  }

  private func replace(by calls: SystemCalls = SystemCalls()) throws(SystemError) {
    let path = folder.path
    let descriptor = FileDescriptor(
      owning: try checked(.open, path) { open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) })
    try replaceDurably(
      "file", inFolder: descriptor.raw, path, with: Self.new, draft: "draft", calls: calls)
  }

  private var files: [String] { folder.files(below: "") }
  private var text: [UInt8] { Array(folder.text(of: "file").utf8) }

  // MARK: In an open folder

  @Test func newContentsTakeThePlaceOfTheOld() throws {
    try replace()
    #expect(text == Self.new)
    #expect(files == ["file"])
  }

  @Test func fileThatIsMissingIsMade() throws {
    unlink("\(folder.path)/file")
    try replace()
    #expect(text == Self.new)
  }

  @Test func draftThatACrashLeftIsOverwritten() throws {
    try folder.write([UInt8](repeating: 0x78, count: 1_000), to: "draft")
    try replace()
    #expect(text == Self.new)
    #expect(files == ["file"])
  }

  @Test func draftThatIsALinkIsNotFollowed() throws {
    let elsewhere = try TemporaryFolder()
    try elsewhere.write(Self.old, to: "target")
    symlink("\(elsewhere.path)/target", "\(folder.path)/draft")
    #expect(throws: SystemError(.open, "\(folder.path)/draft", errno: ELOOP)) { try replace() }
    #expect(elsewhere.text(of: "target") == "old")
    #expect(text == Self.old)
  }

  @Test func fileIsSyncedBeforeItsRenameAndItsFolderAfter() throws {
    let order = Mutex<[String]>([])
    let real = SystemCalls()
    var calls = SystemCalls()
    calls.write = { descriptor, bytes, count in
      order.withLock { $0.append("write") }
      return real.write(descriptor, bytes, count)
    }
    calls.fsync = { descriptor in
      order.withLock { $0.append("fsync") }
      return real.fsync(descriptor)
    }
    calls.renameat = { from, name, to, target in
      order.withLock { $0.append("rename \(name) \(target)") }
      return real.renameat(from, name, to, target)
    }
    try replace(by: calls)
    #expect(order.withLock { $0 } == ["write", "fsync", "rename draft file", "fsync"])
  }

  /// The calls up to the rename.
  enum Step: CaseIterable {
    case open, write, sync, rename

    var calls: SystemCalls {
      var calls = SystemCalls()
      switch self {
      case .open: calls.openat = { _, _, _, _ in failed() }
      case .write: calls.write = { _, _, _ in failed() }
      case .sync: calls.fsync = { _ in failed() }
      case .rename: calls.renameat = { _, _, _, _ in failed() }
      }
      return calls
    }

    func error(in folder: String) -> SystemError {
      switch self {
      case .open: SystemError(.open, "\(folder)/draft", errno: EIO)
      case .write: SystemError(.write, "\(folder)/draft", errno: EIO)
      case .sync: SystemError(.fsync, "\(folder)/draft", errno: EIO)
      case .rename: SystemError(.renameat, "\(folder)/file", errno: EIO)
      }
    }
  }

  @Test(arguments: Step.allCases)
  func oldContentsStayIfACallFails(step: Step) {
    #expect(throws: step.error(in: folder.path)) { try replace(by: step.calls) }
    #expect(text == Self.old)
    #expect(files == ["file"])
  }

  /// The new contents are there, but may not survive a power cut.
  @Test func syncOfTheFolderThatFailsIsTold() {
    let syncs = Mutex(0)
    let real = SystemCalls()
    var calls = SystemCalls()
    calls.fsync = { descriptor in
      let count = syncs.withLock { count in
        count += 1
        return count
      }
      return count == 2 ? failed() : real.fsync(descriptor)
    }
    #expect(throws: SystemError(.fsync, folder.path, errno: EIO)) { try replace(by: calls) }
    #expect(text == Self.new)
    #expect(files == ["file"])
  }

  // MARK: By its path

  private func mode(of name: String) -> mode_t {
    var status = stat()
    return stat("\(folder.path)/\(name)", &status) == 0 ? status.st_mode & 0o7777 : 0
  }

  private func isLink(_ name: String) -> Bool {
    var status = stat()
    return lstat("\(folder.path)/\(name)", &status) == 0 && status.st_mode & S_IFMT == S_IFLNK
  }

  @Test(arguments: [0o600, 0o640, 0o644, 0o664] as [mode_t])
  func modeStays(mode: mode_t) throws {
    chmod("\(folder.path)/file", mode)
    try replaceFileDurably("\(folder.path)/file", with: Self.new)
    #expect(self.mode(of: "file") == mode)
    #expect(text == Self.new)
    #expect(files == ["file"])
  }

  @Test func linkThatLeadsToTheFileStays() throws {
    symlink("file", "\(folder.path)/link")
    try replaceFileDurably("\(folder.path)/link", with: Self.new)
    #expect(isLink("link"))
    #expect(!isLink("file"))
    #expect(text == Self.new)
  }

  @Test func fileThatIsNotThereIsNotMade() {
    let path = "\(folder.path)/missing"
    #expect(throws: SystemError(.realpath, path, errno: ENOENT)) {
      try replaceFileDurably(path, with: Self.new)
    }
    #expect(files == ["file"])
  }

  @Test(.enabled(if: getuid() == 0, "needs root, to give the file to another user"))
  func ownerStays() throws {
    let path = "\(folder.path)/file"
    chown(path, 1, 2)
    chmod(path, 0o640)
    try replaceFileDurably(path, with: Self.new)
    var status = stat()
    #expect(stat(path, &status) == 0)
    #expect(status.st_uid == 1 && status.st_gid == 2)
    #expect(mode(of: "file") == 0o640)
  }
}

/// The answer of a call that fails.
private func failed<Result: SignedInteger>() -> Result {
  errno = EIO
  return -1
}
