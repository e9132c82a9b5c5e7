internal import Glibc
internal import LinuxSystem
package import WebhookCore

/// Tells which events come into `new`, also those that are gone already. Instances may come while
/// it looks. For one thread.
package struct ArrivalNames {
  private let path: String
  private let inotify: Inotify
  private var instances: [Int32: InstanceName] = [:]
  /// Those that cannot be watched, so that each is said once.
  private var failing: Set<InstanceName> = []

  /// Nil, with `errno`, if the system has no further watches to give.
  package init?(inSpool path: String) {
    guard let inotify = try? Inotify() else { return nil }
    self.path = path
    self.inotify = inotify
  }

  /// Calls `body` with what has come since the last call, or comes within the time.
  /// - Parameters:
  ///   - isWanted: which instances to look at.
  ///   - report: told of each instance that cannot be looked at, once, if others can.
  /// - Returns: whether more came than could be told.
  package mutating func next(
    withinMilliseconds milliseconds: Int32, where isWanted: (InstanceName) -> Bool,
    report: (SpoolError) -> Void, _ body: (SpoolEntry) -> Void
  ) throws(SpoolError) -> Bool {
    try watchInstances(isWanted, report)
    guard isReadable(inotify.descriptor, withinMilliseconds: milliseconds) else { return false }
    var hasOverflow = false
    for arrival in inotify.arrivals() {
      switch arrival {
      case .overflow: hasOverflow = true
      case .name(let name, let watch):
        guard isEventsName(name.span), let instance = instances[watch] else {
          continue
        }
        body(
          SpoolEntry(
            place: SpoolPlace(instance: instance, state: .new),
            fileName: String(decoding: name, as: UTF8.self)))
      }
    }
    return hasOverflow
  }

  /// Folders that are watched already stay so; one that was made again is a new one.
  private mutating func watchInstances(
    _ isWanted: (InstanceName) -> Bool, _ report: (SpoolError) -> Void
  ) throws(SpoolError) {
    var failures: [InstanceName: SpoolError] = [:]
    for instance in try presentInstances() where isWanted(instance) {
      do throws(SpoolError) {
        try watch(instance)
      } catch  where error.errno == ENOENT {
        // The folder may yet come.
      } catch {
        failures[instance] = error
      }
    }
    if let failure = failures.first?.value, instances.isEmpty { throw failure }
    for (instance, failure) in failures where failing.insert(instance).inserted { report(failure) }
  }

  private func presentInstances() throws(SpoolError) -> [InstanceName] {
    do throws(SpoolError) {
      return try SpoolReader(path: path).instances()
    } catch  where error.errno == ENOENT {
      // The spool may yet come.
      return []
    }
  }

  private mutating func watch(_ instance: InstanceName) throws(SpoolError) {
    do throws(SystemError) {
      let watch = try inotify.watch("\(path)/\(instance)/\(EventState.new.rawValue)")
      instances[watch] = instance
    } catch {
      throw SpoolError(error, of: .folder)
    }
  }
}
