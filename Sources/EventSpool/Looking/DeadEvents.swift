internal import Glibc
package import WebhookCore

extension SpoolReader {
  /// The youngest events that were given up, by their names, and why. The youngest comes first.
  package func youngestDead(
    of instance: InstanceName, atMost limit: Int
  ) throws(SpoolError) -> [(entry: SpoolEntry, record: AttemptRecord?)] {
    let listing = try listing(of: [instance], in: [.dead], limit: limit, keeping: .newest) {
      name, _ in EventFileName.Parts(of: name) != nil
    }
    guard !listing.entries.isEmpty else { return [] }
    let folder = try directory(of: instance)
    var events: [(entry: SpoolEntry, record: AttemptRecord?)] = []
    for entry in listing.entries.reversed() {
      let status = try folder.status(of: "\(EventState.dead.rawValue)/\(entry.fileName)")
      guard let status, status.st_mode & S_IFMT == S_IFREG else { continue }
      events.append((entry, record(of: entry)))
    }
    return events
  }
}
