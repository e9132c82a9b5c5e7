internal import Glibc
internal import LinuxSystem
internal import TestSupport
internal import Testing

struct DirectoryListingTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func opened(_ path: String) throws -> FileDescriptor {
    FileDescriptor(owning: try checked(.open, path) { open(path, O_RDONLY | O_CLOEXEC) })
  }

  private func names(atMost limit: Int = .max) throws -> [String] {
    var names: [String] = []
    try forEachName(inFolder: opened(folder.path), folder.path) { name in
      names.append(String(decoding: name, as: UTF8.self))
      return names.count < limit
    }
    return names.sorted()
  }

  @Test func everyNameIsToldButThoseOfTheFolderAndItsParent() throws {
    #expect(try names() == [])
    for name in ["one", ".two", "...", "three/four"] { try folder.write([], to: name) }
    #expect(try names() == ["...", ".two", "one", "three"])
  }

  @Test func listingEndsWhenItIsAskedTo() throws {
    for index in 0..<10 { try folder.write([], to: "\(index)") }
    #expect(try names(atMost: 3).count == 3)
  }

  @Test func fileIsNoFolder() throws {
    let path = try folder.write([], to: "file")
    let descriptor = try opened(path)
    #expect(throws: SystemError(.fdopendir, path, errno: ENOTDIR)) {
      try forEachName(inFolder: FileDescriptor(owning: dup(descriptor.raw)), path) { _ in true }
    }
  }
}
