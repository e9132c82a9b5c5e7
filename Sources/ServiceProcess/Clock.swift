internal import Glibc
package import WebhookCore

extension Timestamp {
  /// The wall clock.
  package static func now() -> Timestamp {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Timestamp(seconds: Int64(time.tv_sec), milliseconds: time.tv_nsec / 1_000_000)
  }
}

extension Timestamp {
  /// Milliseconds since 1970.
  package var millisecondsSince1970: Int64 { seconds * 1_000 + Int64(milliseconds) }
}

/// How much processor time the calling thread has used.
package func processorTimeOfThread() -> Duration {
  var time = timespec()
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
  return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
}

extension Duration {
  package var microseconds: Int64 {
    let (seconds, attoseconds) = components
    return seconds * 1_000_000 + attoseconds / 1_000_000_000_000
  }

  package var milliseconds: Int64 { microseconds / 1_000 }
}
