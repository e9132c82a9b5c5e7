internal import CLinux
internal import Glibc

/// Signals as something to read (signalfd(2)).
package final class SignalDescriptor: Sendable {
  private let file: FileDescriptor

  /// Blocks the signals in this thread and in those that it starts from now on.
  package init(_ signals: [Int32]) throws(SystemError) {
    file = FileDescriptor(
      owning: try checked(.signalDescriptor) {
        clinux_signal_descriptor(signals, Int32(signals.count))
      })
  }

  /// Can be read when a signal has come (poll(2)).
  package var descriptor: Int32 { file.raw }

  /// The next signal that has come; nil if there is none.
  package func next() -> Int32? {
    let signal = clinux_read_signal(file.raw)
    return signal < 0 ? nil : signal
  }
}

/// Whether the signal has no effect. If it is blocked, it comes all the same (signalfd(2)).
package func isIgnored(_ signal: Int32) -> Bool { clinux_is_ignored(signal) == 1 }
