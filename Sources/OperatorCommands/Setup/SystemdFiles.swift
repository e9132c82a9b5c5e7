internal import CommandLineProgram
internal import Glibc
internal import WebhookCore

/// What systemd is told of a spool: whose it is, and where.
struct SystemdFiles {
  let spool: String
  let user: ServiceUser

  /// Where the units expect the spool, and whose they expect it to be.
  static let defaultSpool = "/var/spool/delve-webhook"
  private static let defaultUser = "delve-webhook"
  private static let temporaryFiles = "tmpfiles.d/delve-webhook.conf"

  private var isElsewhere: Bool { spool != Self.defaultSpool }
  private var isForeign: Bool { user.name != Self.defaultUser }

  /// Drop-ins for the responder's unit, and for the units of what takes events from the spool. What
  /// an earlier run made and nobody needs is removed.
  /// - Returns: whether a unit was changed.
  func write(into changes: inout UndoableChanges) throws(CommandError) -> Bool {
    let before = changes.paths.count
    for unit in ["delve-webhook", "delve-webhook-"] {
      try put(dropIn, at: "/etc/systemd/system/\(unit).service.d/spool.conf", &changes)
    }
    let isChanged = changes.paths.count > before
    try put(try temporaryFiles, at: "/etc/\(Self.temporaryFiles)", &changes)
    return isChanged
  }

  private static let mark =
    "# Made by delve-webhook setup, which writes it anew: put your own lines into another file.\n"

  /// A file of somebody else's stays, if it says the same.
  /// - Parameter text: nil: no file is needed.
  private func put(
    _ text: String?, at path: String, _ changes: inout UndoableChanges
  ) throws(CommandError) {
    guard let text else { return try changes.remove(path, beginningWith: Self.mark) }
    if let there = try fileIfThere(path), !there.starts(with: Self.mark.utf8) {
      let lines = Set(String(decoding: there, as: UTF8.self).split(separator: "\n"))
      guard text.split(separator: "\n").allSatisfy({ $0.hasPrefix("#") || lines.contains($0) })
      else {
        throw .configuration(
          "\(path) was written by hand: put these lines into it, then run this again:\n\(text)")
      }
      return
    }
    try changes.write(Array((Self.mark + text).utf8), to: path)
  }

  private var temporaryFiles: String? {
    get throws(CommandError) {
      guard isForeign && !isElsewhere else { return nil }
      return try installedText("lib/\(Self.temporaryFiles)").replacing(
        "0750 \(Self.defaultUser) \(Self.defaultUser)", with: "0750 \(user.name) \(user.name)")
    }
  }

  private var dropIn: String? {
    guard isElsewhere || isForeign else { return nil }
    let unit = isElsewhere ? "[Unit]\nRequiresMountsFor=\(quoted(spool))\n" : ""
    let owner = isForeign ? "User=\(user.name)\nGroup=\(user.name)\n" : ""
    let paths = isElsewhere ? "ReadWritePaths=\(quoted(spool))\n" : ""
    return "\(unit)[Service]\n\(owner)\(paths)"
  }

  /// systemd.syntax(7), quoting, and systemd.unit(5), specifiers.
  private func quoted(_ path: String) -> String {
    let escaped = path.map { ["\"", "\\"].contains($0) ? "\\\($0)" : $0 == "%" ? "%%" : "\($0)" }
    return "\"\(escaped.joined())\""
  }
}
