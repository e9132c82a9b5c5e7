internal import Glibc
package import LinuxSystem

/// A file that node_exporter's textfile collector reads. It is replaced as a whole, so that nobody
/// reads half of it; it need not survive a power cut. For one thread at a time.
package struct MetricsFile: Sendable {
  /// The collector reads no other files.
  package static let suffix = ".prom"

  package let path: String

  package init(path: String) {
    self.path = path
  }

  /// What the file is called until it is whole, in the same folder. The collector passes it over.
  private var draft: String { "\(path).new" }

  /// Anybody may read it, whatever the process's umask is.
  package func replace(with text: String) throws(SystemError) {
    // A draft that a crash left there is removed. A file of somebody else's is not written to.
    unlink(draft)
    let flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC
    let file = FileDescriptor(owning: try checked(.open, draft) { open(draft, flags, 0o644) })
    let descriptor = file.raw
    do throws(SystemError) {
      try checked(.fchmod, draft) { fchmod(descriptor, 0o644) }
      try writeAll(Array(text.utf8), to: descriptor, draft)
      try checked(.rename, path) { rename(draft, path) }
    } catch {
      unlink(draft)
      throw error
    }
  }
}
