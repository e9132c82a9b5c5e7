internal import CommandLineProgram
internal import Glibc
internal import WebhookCore

/// The files of a web server that serve an instance's hooks.
struct WebServerFiles {
  let served: ServedBy
  let instance: InstanceName
  let hooks: HooksURL

  /// The web server's own folder.
  let configuration: String

  init(_ served: ServedBy, _ instance: InstanceName, _ hooks: HooksURL) throws(CommandError) {
    (self.served, self.instance, self.hooks) = (served, instance, hooks)
    let folders = served.configurationFolders
    configuration = folders.first { access($0, F_OK) == 0 } ?? folders[0]
    if let required = served.requiredPath {
      guard hooks.path == required || hooks.path.hasPrefix("\(required)/") else {
        throw .usage("--base-url: under Apache, its path must be \(required) or lie below it")
      }
    }
  }

  private var folder: String { "\(configuration)/delve-webhook" }
  private var instancePath: String { "\(folder)/instance-\(instance).conf" }

  /// Writes the instance's file if there is none, and what it is included by, where no package has
  /// put that.
  /// - Returns: a remark about a file that was left as it is.
  func write(into changes: inout UndoableChanges) throws(CommandError) -> String? {
    let shared = "share/delve-webhook/\(served.snippets)"
    let prefix = try installationPrefix()
    for name in try names(inFolder: "\(prefix)/\(shared)")
    where name.hasSuffix(".conf") && name != "instance.conf" {
      guard try fileIfThere("\(folder)/\(name)") == nil else { continue }
      try changes.write(Array(try installedText("\(shared)/\(name)").utf8), to: "\(folder)/\(name)")
    }
    let text = try instanceText(from: installedText("\(shared)/instance.conf"))
    if let there = try fileIfThere(instancePath) {
      return there == Array(text.utf8)
        ? nil : "\(instancePath) is there already, with other content: it stays as it is"
    }
    try requireFreePath()
    try changes.write(Array(text.utf8), to: instancePath)
    return nil
  }

  /// The instance that the snippet in the repository is for, and its path there.
  private static let example = (instance: "INSTANCE acme", path: "/webhooks/delve/")

  private func instanceText(from snippet: String) -> String {
    // The comment at the top is about the snippet.
    let lines = snippet.split(separator: "\n", omittingEmptySubsequences: false)
      .drop { $0.hasPrefix("#") || $0.isEmpty }
    let path = served == .nginx ? hooks.path : hooks.path.replacing(".", with: "\\.")
    return "# Made by delve-webhook setup: the hooks of the instance \(instance).\n\n"
      + lines.joined(separator: "\n").replacing(Self.example.path, with: "\(path)/")
      .replacing(Self.example.instance, with: "INSTANCE \(instance)")
  }

  /// - Throws: if another instance's hooks lie at this path.
  private func requireFreePath() throws(CommandError) {
    for name in try names(inFolder: folder)
    where name.hasPrefix("instance") && name.hasSuffix(".conf") {
      let bytes = try fileIfThere("\(folder)/\(name)") ?? []
      let text = String(decoding: bytes, as: UTF8.self).replacing("\\.", with: ".")
      guard !text.contains("\(hooks.path)/success") else {
        throw .usage(
          "\(folder)/\(name) has hooks at \(hooks.path)/ already: choose another --base-url")
      }
    }
  }

  /// What is left for the operator.
  var remainingSteps: [String] {
    var steps = served.remainingSteps(in: configuration)
    let definitions = "\(configuration)/conf.d/delve-webhook.conf"
    if served == .nginx && access(definitions, F_OK) != 0 {
      steps =
        ["In \(definitions), for the http block:"]
        + ["http", "upstream"].map { "    include delve-webhook/\($0).conf;" } + steps
    }
    return steps
  }
}
