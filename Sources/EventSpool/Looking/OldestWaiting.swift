package import WebhookCore

extension SpoolReader {
  /// The `iat` of the oldest event that is not handled yet, in seconds since 1970; nil if there is
  /// none. Instances of other users are left out, as consumers leave them out.
  package func oldestWaiting(
    where isWanted: (InstanceName) -> Bool
  ) throws(SpoolError) -> Int64? {
    var oldest: Int64?
    for instance in try instances() where isWanted(instance) {
      guard try isOwn(instance), try isInstance(instance) else { continue }
      // In their order, so that none slips by.
      for state in EventState.waiting {
        guard let seconds = try summary(of: instance, in: state).oldestSeconds else { continue }
        oldest = min(seconds, oldest ?? seconds)
      }
    }
    return oldest
  }
}
