internal import Glibc

/// Tells which names have come into folders (inotify(7)). For one thread.
package final class Inotify {
  /// What has come.
  package enum Arrival {
    /// - Parameter watch: what `watch` returned for the folder.
    case name([UInt8], watch: Int32)
    /// More at once than the kernel keeps: some are not told.
    case overflow
  }

  private let inotify: FileDescriptor

  package init() throws(SystemError) {
    inotify = FileDescriptor(
      owning: try checked(.inotifyInit) { inotify_init1(Int32(IN_NONBLOCK | IN_CLOEXEC)) })
  }

  /// Can be read when something has come (poll(2)).
  package var descriptor: Int32 { inotify.raw }

  /// Watches the folder at `path`. One that is watched already stays so; one that was made again is
  /// another.
  package func watch(_ path: String) throws(SystemError) -> Int32 {
    let events = UInt32(IN_CREATE) | UInt32(IN_MOVED_TO) | UInt32(IN_ONLYDIR)
    return try checked(.inotifyAddWatch, path) { inotify_add_watch(inotify.raw, path, events) }
  }

  /// What has come since the last call. Waits for nothing.
  package func arrivals() -> [Arrival] {
    var found: [Arrival] = []
    withUnsafeTemporaryAllocation(byteCount: 65_536, alignment: 8) { buffer in
      while true {
        let count = read(inotify.raw, buffer.baseAddress, buffer.count)
        guard count > 0 else { return }
        var offset = 0
        while offset + 16 <= count {
          let event = buffer.loadUnaligned(fromByteOffset: offset, as: inotify_event.self)
          let name = buffer[(offset + 16)..<(offset + 16 + Int(event.len))].prefix { $0 != 0 }
          found.append(
            event.mask & UInt32(IN_Q_OVERFLOW) != 0
              ? .overflow : .name(Array(name), watch: event.wd))
          offset += 16 + Int(event.len)
        }
      }
    }
    return found
  }
}
