internal import Foundation

/// A folder that is removed with its contents when this object is released.
package final class TemporaryFolder: Sendable {
  package let path: String

  package init() throws {
    // The path is short, because a unix socket's path has at most 107 bytes.
    path = "/tmp/dw-\(UUID().uuidString.prefix(13))"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
  }

  deinit {
    try? FileManager.default.removeItem(atPath: path)
  }

  @discardableResult
  package func write(_ contents: some Collection<UInt8>, to name: String) throws -> String {
    let file = URL(filePath: path).appending(path: name)
    try FileManager.default.createDirectory(
      at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(contents).write(to: file)
    return file.path
  }

  @discardableResult
  package func makeFolder(_ name: String) throws -> String {
    let folder = URL(filePath: path).appending(path: name)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    return folder.path
  }

  package func text(of name: String) -> String {
    (try? String(contentsOfFile: "\(path)/\(name)", encoding: .utf8)) ?? ""
  }

  /// Every plain file below the folder `name`, as paths relative to it, sorted.
  package func files(below name: String) -> [String] {
    let top = URL(filePath: path).appending(path: name)
    guard let paths = FileManager.default.enumerator(atPath: top.path) else { return [] }
    return paths.compactMap { $0 as? String }.filter { path in
      var isFolder: ObjCBool = false
      _ = FileManager.default.fileExists(
        atPath: top.appending(path: path).path, isDirectory: &isFolder)
      return !isFolder.boolValue
    }.sorted()
  }
}
