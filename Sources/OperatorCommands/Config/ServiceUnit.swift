internal import CommandLineProgram
internal import Glibc

/// What the responder's unit lets it write to, as the installed files say. systemd itself is not
/// asked: it need not run, and a check makes no connections.
struct ServiceUnit {
  private static let name = "delve-webhook.service"
  private static let folders = [
    "/etc/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system",
  ]

  private var writablePaths: [String] = []

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
    for line in texts.flatMap({ $0.split(separator: UInt8(ascii: "\n")) }) {
      let text = String(decoding: line, as: UTF8.self)
      guard text.hasPrefix("ReadWritePaths=") else { continue }
      let paths = Self.paths(in: text.dropFirst("ReadWritePaths=".count))
      // An empty value forgets those before (systemd.exec(5)).
      writablePaths = paths.isEmpty ? [] : writablePaths + paths
    }
  }

  /// The paths in a value: blanks are between them, unless quotation marks are around
  /// (systemd.syntax(7)); `%%` stands for a per cent sign, and a hyphen in front for one that may be
  /// missing.
  private static func paths(in value: Substring) -> [String] {
    var paths = [""]
    var isQuoted = false
    for character in value {
      switch character {
      case "\"": isQuoted.toggle()
      case " " where !isQuoted: paths.append("")
      default: paths[paths.count - 1].append(character)
      }
    }
    return paths.filter { !$0.isEmpty }
      .map { String($0.drop { $0 == "-" }).replacing("%%", with: "%") }
  }

  /// Folders that the units do not see as they are, or that nothing is to be kept in.
  private static let unfitFolders = [
    "/boot", "/dev", "/etc", "/home", "/proc", "/root", "/run", "/sys", "/tmp", "/usr", "/var/tmp",
  ]

  /// Whether a spool at this path cannot be served by the units, whatever a drop-in says. Links in
  /// the part of the path that is there are followed.
  static func cannotServe(_ path: String) -> Bool {
    let real = realPath(path)
    return real == "/" || unfitFolders.contains { real == $0 || real.hasPrefix("\($0)/") }
  }

  private static func realPath(_ path: String) -> String {
    guard path.hasPrefix("/"), path != "/" else { return path }
    if let real = pathBehindLinks(path) { return real }
    let name = path.split(separator: "/").last ?? ""
    return "\(realPath(parentFolder(path)))/\(name)".replacing("//", with: "/")
  }

  func canWrite(to path: String) -> Bool {
    writablePaths.contains { path == $0 || path.hasPrefix("\($0)/") }
  }
}
