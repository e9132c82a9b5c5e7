internal import CommandLineProgram
internal import Glibc
internal import WebhookCore

/// The files of a web server that serve an instance's hooks.
struct WebServerFiles {
  let served: ServedBy
  let instance: InstanceName
  let hooks: HooksURL
  /// What an operator should know of the addresses that are printed.
  let warning: String?

  /// The web server's own folder.
  let configuration: String

  /// - Parameter url: nil: as the instance's file has it, or what is likely.
  init(_ served: ServedBy, _ instance: InstanceName, url: String?) throws(CommandError) {
    (self.served, self.instance) = (served, instance)
    configuration =
      served.configurationFolders.first { access($0, F_OK) == 0 } ?? served.configurationFolders[0]
    let path = "\(configuration)/delve-webhook/instance-\(instance).conf"
    if let url {
      (hooks, warning) = (try HooksURL(url), nil)
    } else if let known = try fileIfThere(path).flatMap(InstanceFile.init(_:))?.hooks {
      (hooks, warning) = (known, nil)
    } else {
      let (url, isLikely) = try HooksURL.ofInstance(instance)
      hooks = url
      warning =
        isLikely
        ? nil : "is \(url.text) the address that the sender uses? Name another one by --base-url"
    }
    if let required = served.requiredPath {
      guard hooks.path == required || hooks.path.hasPrefix("\(required)/") else {
        throw .usage("--base-url: under Apache, its path must be \(required) or lie below it")
      }
    }
  }

  private var folder: String { "\(configuration)/delve-webhook" }
  private var instancePath: String { "\(folder)/instance-\(instance).conf" }

  /// Writes the instance's file, and what it is included by where no package has put that. A file
  /// that was changed by hand stays.
  /// - Returns: a remark about a file that was left as it is.
  func write(into changes: inout UndoableChanges) throws(CommandError) -> String? {
    let shared = "share/delve-webhook/\(served.snippets)"
    let prefix = try installationPrefix()
    for name in try names(inFolder: "\(prefix)/\(shared)")
    where name.hasSuffix(".conf") && name != "instance.conf" {
      guard try fileIfThere("\(folder)/\(name)") == nil else { continue }
      try changes.write(Array(try installedText("\(shared)/\(name)").utf8), to: "\(folder)/\(name)")
    }
    try requireInclusion()
    try requireFreePath()
    let snippet = try installedText("\(shared)/instance.conf")
    let text = InstanceFile.text(of: instance, at: hooks, from: snippet, served)
    guard let there = try fileIfThere(instancePath), there != Array(text.utf8) else {
      try changes.write(Array(text.utf8), to: instancePath)
      return nil
    }
    let file = InstanceFile(there)
    // What an earlier run wrote for another address, and nobody has changed.
    if let old = file?.hooks,
      Array(InstanceFile.text(of: instance, at: old, from: snippet, served).utf8) == there
    {
      try changes.write(Array(text.utf8), to: instancePath)
      return nil
    }
    guard let file, file.paths.first == hooks.path else {
      throw .configuration(
        "\(instancePath) differs from what setup writes, and does not have the hooks at "
          + "\(hooks.path)/: name its own address by --base-url, or remove the file")
    }
    // The address is for the next run.
    if let old = file.hooks, old.text != hooks.text {
      let first = InstanceFile.firstLine(of: instance, at: hooks)
      try changes.write(Array((first + file.rest).utf8), to: instancePath)
    }
    return "\(instancePath) differs from what setup writes: it stays as it is"
  }

  /// - Throws: if the server's files do not include the instance's.
  private func requireInclusion() throws(CommandError) {
    let path = "\(folder)/locations.conf"
    guard let text = try fileIfThere(path) else { return }
    guard String(decoding: text, as: UTF8.self).contains("delve-webhook/instance*.conf") else {
      throw .configuration(
        "\(path) does not include the instances: add a line for delve-webhook/instance*.conf to it, "
          + "as in the file of this version, and remove the instances' own locations")
    }
  }

  /// - Throws: if another instance's hooks lie at this path, or one's at the other's exports.
  private func requireFreePath() throws(CommandError) {
    for name in try names(inFolder: folder)
    where name.hasPrefix("instance") && name.hasSuffix(".conf")
      && "\(folder)/\(name)" != instancePath
    {
      guard let other = try fileIfThere("\(folder)/\(name)").flatMap(InstanceFile.init(_:)) else {
        continue
      }
      for path in other.paths
      where path == hooks.path
        || HooksURL.lies(hooks.path, belowExportsOf: path)
        || HooksURL.lies(path, belowExportsOf: hooks.path)
      {
        throw .usage(
          "\(folder)/\(name) has hooks at \(path)/ already: choose another --base-url, or remove "
            + "that file if it is for this instance")
      }
    }
  }

  /// Whether `setup` has written a file of an instance for this server.
  static func haveInstances(_ served: ServedBy) throws(CommandError) -> Bool {
    for configuration in served.configurationFolders {
      let folder = "\(configuration)/delve-webhook"
      for name in try names(inFolder: folder) where name.hasPrefix("instance-") {
        if try fileIfThere("\(folder)/\(name)").flatMap(InstanceFile.init(_:))?.hooks != nil {
          return true
        }
      }
    }
    return false
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

extension HooksURL {
  fileprivate static func lies(_ path: String, belowExportsOf other: String) -> Bool {
    "\(path)/".hasPrefix("\(other)/exports/")
  }
}
