internal import CommandLineProgram
internal import Glibc
internal import WebhookConfiguration
internal import WebhookCore

/// The configuration file as it will be with an instance in it.
struct SetupConfiguration {
  let path: String
  /// Nil: there is no file yet.
  let oldText: [UInt8]?
  /// Nil: it stays as it is.
  let newText: [UInt8]?
  let settings: Settings
  let instance: InstanceSettings

  /// - Parameters:
  ///   - spool: nil: as the file has it, or the default.
  /// - Throws: if the file cannot be extended, or has the instance with another URL.
  init(
    _ path: String, adding name: InstanceName, url: String, spool: String?
  ) throws {
    self.path = path
    let added = AddedInstance(name: name, url: url, keyFile: "keys/\(name).json")
    let newFile = added.newConfiguration(spool: spool ?? SystemdFiles.defaultSpool)
    let wanted: Settings
    do throws(ConfigurationError) {
      wanted = try Settings(parsing: newFile, file: path)
    } catch {
      throw CommandError.usage(error.message)
    }
    let text = try fileIfThere(path)
    oldText = text
    if let text, let settings = try? Settings(parsing: text, file: path),
      let there = settings.instances.first(where: { $0.name == name })
    {
      guard there.url == wanted.instances[0].url else {
        throw CommandError.configuration(
          "\(printable(path)): the instance \(name) is there, with the url \(there.url)")
      }
      (newText, self.settings, instance) = (nil, settings, there)
    } else {
      let extended: [UInt8]
      if let text {
        extended = try Self.extended(text, path, added, spool: wanted.spool)
      } else {
        extended = newFile
      }
      settings = try Settings(parsing: extended, file: path)
      // It was added behind the others.
      (newText, instance) = (extended, settings.instances[settings.instances.count - 1])
    }
    if let spool, settings.spool != spool {
      throw CommandError.usage(
        "--spool \(printable(spool)): the configuration has \(printable(settings.spool)); every "
          + "instance is in one spool")
    }
  }

  /// - Throws: if the file was changed after it was read.
  func write(into changes: inout UndoableChanges) throws(CommandError) {
    guard try fileIfThere(path) == oldText else {
      throw CommandError(
        "\(printable(path)) was changed meanwhile: run this again", exitCode: EX_TEMPFAIL)
    }
    if let newText { try changes.write(newText, to: path) }
  }

  private static func extended(
    _ text: [UInt8], _ path: String, _ added: AddedInstance, spool: String
  ) throws -> [UInt8] {
    guard let extended = try added.added(to: text, file: path, spool: spool) else {
      throw CommandError.configuration(
        "\(printable(path)): its style cannot be extended by a program; put this below "
          + "`instances:`, then run this again:\n" + added.lines().joined(separator: "\n"))
    }
    return extended
  }
}
