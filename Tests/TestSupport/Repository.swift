internal import Foundation

/// The places of files, so that a test runs from any folder.
package enum Repository {
  package static let root = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().path

  /// An executable of this package, built beside the tests.
  package static func executable(_ name: String) -> String {
    URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
      .appending(path: name).path
  }

  /// The folder with vectors that others made, which are not part of the repository:
  /// `$DELVE_VECTORS`, else `../shared/vectors`; nil if there is none.
  package static let foreignVectors: String? = {
    let path = ProcessInfo.processInfo.environment["DELVE_VECTORS"] ?? "\(root)/../shared/vectors"
    return FileManager.default.fileExists(atPath: path) ? path : nil
  }()

  /// The block of the documentation that has a tag, as a reader would copy it.
  package static func block(_ tag: String) async throws -> String {
    let result = try await command("\(root)/Tests/Scripts/block", [tag])
    guard result.exitCode == 0 else { throw NoBlock(tag: tag) }
    return result.output
  }

  private struct NoBlock: Error { let tag: String }
}

/// The bytes of a file that a test needs.
package func fileBytes(_ path: String) throws -> [UInt8] {
  try Array(Data(contentsOf: URL(filePath: path)))
}

/// A file of the repository's own `Tests` folder.
package func testFile(_ path: String) throws -> [UInt8] {
  try fileBytes("\(Repository.root)/Tests/\(path)")
}
