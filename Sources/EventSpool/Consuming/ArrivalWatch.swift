internal import LinuxSystem

/// Notices that something has come into a folder. If the system has no further watches to give,
/// arrivals are noticed at the next look.
final class ArrivalWatch {
  private let inotify = try? Inotify()

  /// -1 if there is none.
  var descriptor: Int32 { inotify?.descriptor ?? -1 }

  /// Folders that are watched already stay so; one that was made again is a new one.
  func look(after state: EventState, of consumers: [EventConsumer]) {
    for consumer in consumers { _ = try? inotify?.watch(consumer.path(of: state)) }
  }

  /// What has come is found in the folders themselves.
  /// - Returns: whether something may have come.
  func clear() -> Bool { inotify.map { !$0.arrivals().isEmpty } ?? true }
}
