internal import Glibc
internal import WebhookCore

/// The consumers of a spool's instances, opened once each. Instances may come, go and be made again
/// while it is watched.
final class OpenConsumers {
  private let path: String
  private let isWanted: (InstanceName) -> Bool
  private var open: [InstanceName: EventConsumer] = [:]

  init(path: String, isWanted: @escaping (InstanceName) -> Bool) {
    self.path = path
    self.isWanted = isWanted
  }

  /// Instances are folders that a responder has laid out. Folders of other users are left out.
  /// - Throws: also if all wanted folders belong to other users.
  func now() throws(SpoolError) -> [EventConsumer] {
    let reader = try SpoolReader(path: path)
    for (name, consumer) in open where try !consumer.isInPlace() { open[name] = nil }
    var refusal: SpoolError?
    for name in try reader.instances() where open[name] == nil && isWanted(name) {
      do throws(SpoolError) {
        guard try reader.isLaidOut(name) else { continue }
        open[name] = try EventConsumer(of: name, in: path)
      } catch  where error.cause == .foreignOwner || error.errno == EACCES {
        refusal = error
      }
    }
    if let refusal, open.isEmpty { throw refusal }
    return Array(open.values)
  }
}
