internal import Glibc
internal import WebhookCore

/// The consumers of a spool's instances, opened once each. Instances may come, go and be made again
/// while it is watched.
final class ConsumersOfSpool {
  private let path: String
  private let isWanted: (InstanceName) -> Bool
  private var open: [InstanceName: EventConsumer] = [:]

  init(path: String, isWanted: @escaping (InstanceName) -> Bool) {
    self.path = path
    self.isWanted = isWanted
  }

  /// Instances are folders that a responder has laid out. Another user's are left out, unless there
  /// are no others.
  func now() throws(SystemError) -> [EventConsumer] {
    let reader = try SpoolReader(path: path)
    for (name, consumer) in open where try !consumer.isInPlace() { open[name] = nil }
    var refusal: SystemError?
    for name in try reader.instances() where open[name] == nil && isWanted(name) {
      do throws(SystemError) {
        guard try reader.isLaidOut(name) else { continue }
        open[name] = try EventConsumer(of: name, in: path)
      } catch  where error.errno == EPERM || error.errno == EACCES {
        refusal = error
      }
    }
    if let refusal, open.isEmpty { throw refusal }
    return Array(open.values)
  }
}
