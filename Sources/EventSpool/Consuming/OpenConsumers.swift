internal import Glibc
internal import WebhookCore

/// The consumers of a spool's instances, opened once each, and looked at again at each call.
/// Instances, and folders in them, may come, go and be made again while they are watched.
final class OpenConsumers {
  private let path: String
  private let isWanted: (InstanceName) -> Bool
  private let settled: SettledEvents
  private var open: [InstanceName: EventConsumer] = [:]

  init(path: String, isWanted: @escaping (InstanceName) -> Bool, settled: SettledEvents) {
    self.path = path
    self.settled = settled
    self.isWanted = isWanted
  }

  /// Instances are folders that a responder has laid out. Folders of other users are left out.
  /// - Parameter leftOut: told of each of those.
  /// - Throws: if a folder of a wanted instance cannot be used: no event is to be handled then. Also
  ///   if all wanted folders belong to other users.
  func now(leftOut: (SpoolError) -> Void) throws(SpoolError) -> [EventConsumer] {
    let reader = try SpoolReader(path: path)
    open = open.filter { $0.value.isInPlace }
    var refusal: SpoolError?
    for name in try reader.instances() where isWanted(name) {
      do throws(SpoolError) {
        let known = open[name]
        guard let consumer = try known == nil ? opened(name, reader) : known else { continue }
        consumer.reopenFolders()
        try consumer.requireReady()
        open[name] = consumer
      } catch  where error.isForeignOwner {
        refusal = error
        leftOut(error)
      }
    }
    if let refusal, open.isEmpty { throw refusal }
    return Array(open.values)
  }

  private func opened(
    _ name: InstanceName, _ reader: SpoolReader
  ) throws(SpoolError) -> EventConsumer? {
    do throws(SpoolError) {
      return try reader.isInstance(name) ? EventConsumer(of: name, in: path, settled: settled) : nil
    } catch {
      throw error.forUser
    }
  }
}
