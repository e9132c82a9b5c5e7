internal import CommandLineProgram
internal import Glibc
internal import LinuxSystem
internal import WebhookCore

/// The folder that the program was installed below, such as `/usr`: it lies in `bin` there.
func installationPrefix() throws(CommandError) -> String {
  guard let path = realpath("/proc/self/exe", nil) else {
    throw .system("/proc/self/exe: \(errorText(errno)): mount /proc")
  }
  defer { free(path) }
  return parentFolder(parentFolder(String(cString: path)))
}

/// The text of a file that was installed with the program.
/// - Parameter name: below the prefix.
func installedText(_ name: String) throws(CommandError) -> String {
  let prefix = try installationPrefix()
  guard let bytes = try fileIfThere("\(prefix)/\(name)") else {
    throw .noInput(
      "\(printable(prefix))/\(name) is missing: install the package, or unpack the archive, again; "
        + "an older \(printable(prefix))/bin/delve-webhook may hide the package's")
  }
  return String(decoding: bytes, as: UTF8.self)
}
