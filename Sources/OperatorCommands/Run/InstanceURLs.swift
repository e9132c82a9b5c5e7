internal import CommandLineProgram
internal import Synchronization
internal import WebhookConfiguration
internal import WebhookCore

/// Where the instances are on the web, by the configuration as it is now. Any thread may ask.
final class InstanceURLs: Sendable {
  private struct State {
    var urls: [InstanceName: String] = [:]
    var nextLook = SuspendingClock.now
  }

  private static let timeBetweenLooks = Duration.seconds(2)

  private let options: ConfigurationOptions
  private let state = Mutex(State())

  init(_ options: ConfigurationOptions) {
    self.options = options
  }

  /// Nil if no configuration says so. If it cannot be read just now, what it said last holds.
  subscript(instance: InstanceName) -> String? {
    state.withLock { state in
      // An instance that is new is in a new configuration.
      if SuspendingClock.now >= state.nextLook || state.urls[instance] == nil {
        if let instances = try? options.settings().instances {
          state.urls = Dictionary(
            instances.map { ($0.name, $0.url) }, uniquingKeysWith: { first, _ in first })
        }
        state.nextLook = .now + Self.timeBetweenLooks
      }
      return state.urls[instance]
    }
  }
}
