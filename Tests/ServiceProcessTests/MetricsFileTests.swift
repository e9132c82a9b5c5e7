internal import Glibc
internal import LinuxSystem
internal import ServiceProcess
internal import TestSupport
internal import Testing

struct MetricsFileTests {
  private let folder: TemporaryFolder
  private let file: MetricsFile

  init() throws {
    folder = try TemporaryFolder()
    file = MetricsFile(path: "\(folder.path)/x.prom")
  }

  private func mode(of name: String) -> mode_t {
    var status = stat()
    stat("\(folder.path)/\(name)", &status)
    return status.st_mode & 0o7777
  }

  @Test func fileIsReplacedAndEverybodyMayReadIt() throws {
    for text in ["a 1\n", "a 22\n", "a 3\n"] {
      try file.replace(with: text)
      #expect(folder.text(of: "x.prom") == text)
      #expect(mode(of: "x.prom") == 0o644)
      #expect(folder.files(below: "") == ["x.prom"])
    }
  }

  /// A reader has the whole old file or the whole new one.
  @Test func openFileStaysAsItWas() throws {
    try file.replace(with: "a 1\n")
    let old = FileDescriptor(owning: open(file.path, O_RDONLY))
    try file.replace(with: "a 2\n")
    #expect(try contents(of: old.raw, "", maxBytes: 100) == Array("a 1\n".utf8))
  }

  /// Whoever else may write in the folder chooses no file that is written to.
  @Test func whatLiesUnderTheDraftsNameIsNotWrittenTo() throws {
    try folder.write("kept".utf8, to: "precious")
    link("\(folder.path)/precious", "\(folder.path)/x.prom.new")
    try file.replace(with: "a 1\n")
    unlink("\(folder.path)/x.prom.new")
    symlink("precious", "\(folder.path)/x.prom.new")
    try file.replace(with: "a 2\n")
    #expect(folder.text(of: "precious") == "kept")
    #expect(folder.text(of: "x.prom") == "a 2\n")
  }

  @Test func missingFolderIsNamed() {
    let path = "\(folder.path)/away/x.prom"
    #expect(throws: SystemError(.open, "\(path).new", errno: ENOENT)) {
      try MetricsFile(path: path).replace(with: "a 1\n")
    }
  }

  @Test func fileThatCannotBeReplacedLeavesNoDraft() throws {
    try folder.makeFolder("x.prom")
    #expect(throws: SystemError(.rename, file.path, errno: EISDIR)) {
      try file.replace(with: "a 1\n")
    }
    #expect(folder.files(below: "") == [])
  }

  @Test(.enabled(if: mountIsAllowed(), "needs the right to mount"))
  func fullDiskLeavesTheOldFile() throws {
    let disk = try folder.makeFolder("disk")
    try #require(mount("tmpfs", disk, "tmpfs", 0, "size=16k") == 0)
    defer { umount2(disk, 2) }
    let file = MetricsFile(path: "\(disk)/x.prom")
    try file.replace(with: "a 1\n")
    try folder.write([UInt8](repeating: 0, count: 8_192), to: "disk/filler")
    #expect(throws: SystemError(.write, "\(disk)/x.prom.new", errno: ENOSPC)) {
      try file.replace(with: String(repeating: "a 1\n", count: 4_096))
    }
    #expect(folder.text(of: "disk/x.prom") == "a 1\n")
    #expect(folder.files(below: "disk") == ["filler", "x.prom"])
  }
}
