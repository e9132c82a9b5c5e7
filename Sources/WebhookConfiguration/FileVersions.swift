internal import Glibc

/// Which version of each of some files there is: another one after it was rewritten in place, renamed
/// over, removed, or reached through another symbolic link.
package struct FileVersions: Equatable, Sendable {
  private struct Version: Equatable {
    let device: dev_t
    let inode: ino_t
    let size: off_t
    let changed: [Int]
  }

  /// By path; nil: it cannot be looked at.
  private let versions: [String: Version?]

  package init(ofKeyFiles settings: Settings) { self.init(settings.instances.distinctKeyFiles) }

  package init(ofKeyReports settings: Settings) {
    self.init(settings.instances.map { KeyReport.path(of: $0.name, settings) })
  }

  private init(_ paths: [String]) {
    versions = Dictionary(uniqueKeysWithValues: paths.map { ($0, Self.version(of: $0)) })
  }

  private static func version(of path: String) -> Version? {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    return Version(
      device: status.st_dev, inode: status.st_ino, size: status.st_size,
      changed: [
        status.st_mtim.tv_sec, status.st_mtim.tv_nsec, status.st_ctim.tv_sec,
        status.st_ctim.tv_nsec,
      ])
  }
}
