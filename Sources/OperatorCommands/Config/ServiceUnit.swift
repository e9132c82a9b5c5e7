internal import CommandLineProgram
internal import Glibc

/// What the responder's unit lets it write to, as the installed files say. systemd itself is not
/// asked: it need not run, and a check makes no connections.
struct ServiceUnit {
  private static let name = "delve-webhook.service"
  private static let folders = [
    "/etc/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system",
  ]

  private let writablePaths: [String]

  /// Nil: there is no such unit.
  init?() {
    let files = Self.folders.flatMap { folder in
      let dropIns = "\(folder)/\(Self.name).d"
      let names = (try? names(inFolder: dropIns)) ?? []
      return ["\(folder)/\(Self.name)"]
        + names.filter { $0.hasSuffix(".conf") }.map { "\(dropIns)/\($0)" }
    }
    let texts = files.compactMap { try? fileIfThere($0) }
    guard !texts.isEmpty else { return nil }
    var paths: [String] = []
    for line in texts.flatMap({ $0.split(separator: UInt8(ascii: "\n")) }) {
      let text = String(decoding: line, as: UTF8.self)
      guard text.hasPrefix("ReadWritePaths=") else { continue }
      for path in text.split(separator: "=").dropFirst().joined().split(separator: " ") {
        paths.append(String(path.filter { $0 != "\"" }.drop { $0 == "-" }))
      }
    }
    writablePaths = paths
  }

  /// Folders that the units do not see as they are, or that nothing is to be kept in.
  private static let unfitFolders = [
    "/boot", "/dev", "/etc", "/home", "/proc", "/root", "/run", "/sys", "/tmp", "/usr", "/var/tmp",
  ]

  /// Whether a spool at this path cannot be served by the units, whatever a drop-in says.
  static func cannotServe(_ path: String) -> Bool {
    path == "/" || unfitFolders.contains { path == $0 || path.hasPrefix("\($0)/") }
  }

  func canWrite(to path: String) -> Bool {
    writablePaths.contains { path == $0 || path.hasPrefix("\($0)/") }
  }
}
