internal import Glibc
internal import LinuxSystem
internal import TestSupport
internal import Testing

struct InotifyTests {
  private let folder: TemporaryFolder
  private let inotify: Inotify

  init() throws {
    folder = try TemporaryFolder()
    inotify = try Inotify()
  }

  /// The names that have come, each with the watch of its folder.
  private func arrivals() -> [String] {
    inotify.arrivals().map { arrival in
      switch arrival {
      case .name(let name, let watch): "\(watch) \(String(decoding: name, as: UTF8.self))"
      case .overflow: "overflow"
      }
    }
  }

  @Test func fileThatIsMadeOrMovedInIsTold() throws {
    try folder.makeFolder("new")
    let watch = try inotify.watch("\(folder.path)/new")
    #expect(!isReadable(inotify.descriptor, withinMilliseconds: 0))
    #expect(arrivals() == [])
    close(open("\(folder.path)/new/made", O_CREAT | O_WRONLY | O_CLOEXEC, 0o600))
    rename(try folder.write([], to: "draft"), "\(folder.path)/new/moved")
    #expect(isReadable(inotify.descriptor, withinMilliseconds: 0))
    #expect(arrivals() == ["\(watch) made", "\(watch) moved"])
    #expect(arrivals() == [])
  }

  @Test func fileThatGoesOrChangesIsNotTold() throws {
    let path = try folder.write([], to: "file")
    _ = try inotify.watch(folder.path)
    let file = FileDescriptor(owning: open(path, O_WRONLY | O_CLOEXEC))
    try writeAll(Array("four".utf8), to: file.raw)
    unlink(path)
    #expect(arrivals() == [])
  }

  @Test func foldersAreToldApartByTheirWatches() throws {
    let (one, other) = (try folder.makeFolder("one"), try folder.makeFolder("other"))
    let watches = (try inotify.watch(one), try inotify.watch(other))
    #expect(watches.0 != watches.1)
    close(open("\(other)/file", O_CREAT | O_WRONLY | O_CLOEXEC, 0o600))
    #expect(arrivals() == ["\(watches.1) file"])
  }

  @Test func folderThatIsWatchedAlreadyKeepsItsWatch() throws {
    let watch = try inotify.watch(folder.path)
    #expect(try inotify.watch(folder.path) == watch)
  }

  @Test func folderThatWasMadeAgainIsAnother() throws {
    let path = try folder.makeFolder("new")
    let watch = try inotify.watch(path)
    rmdir(path)
    try folder.makeFolder("new")
    #expect(try inotify.watch(path) != watch)
  }

  @Test func fileIsNotWatched() throws {
    let path = try folder.write([], to: "file")
    #expect(throws: SystemError(.inotifyAddWatch, path, errno: ENOTDIR)) {
      try inotify.watch(path)
    }
  }
}
