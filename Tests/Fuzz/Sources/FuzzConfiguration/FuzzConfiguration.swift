import WebhookConfiguration

/// A configuration has settings or problems, and the first problem is the one that is told. A
/// configuration has instances and positive limits, or is an error that names the file.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let text = Array(UnsafeBufferPointer(start: data, count: count))
  let reading = SettingsReading(parsing: text, file: "/etc/config.yaml")
  precondition((reading.settings == nil) == !reading.problems.isEmpty)
  _ = KeyReport(parsing: text)
  do throws(ConfigurationError) {
    let settings = try Settings(parsing: text, file: "/etc/config.yaml")
    precondition(!settings.instances.isEmpty && settings.workers > 0)
    precondition(settings.instances.allSatisfy { !$0.keyFiles.isEmpty && !$0.algorithms.isEmpty })
  } catch {
    precondition(error == reading.problems.first)
    precondition(error.description.hasPrefix("/etc/config.yaml:"))
  }
  return 0
}
