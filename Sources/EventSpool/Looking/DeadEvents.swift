internal import Glibc
package import WebhookCore

extension SpoolReader {
  /// The youngest events that were given up, by their names, and why.
  package func youngestDead(
    of instance: InstanceName, atMost limit: Int
  ) throws(SpoolError) -> [(entry: SpoolEntry, record: AttemptRecord?)] {
    var names: [String] = []
    try forEachName(of: instance, in: .dead) { bytes, _ in
      guard EventFileName.Parts(of: bytes) != nil else { return }
      let name = String(decoding: bytes, as: UTF8.self)
      if names.count == limit, let last = names.last, name < last { return }
      names.insert(name, at: names.firstIndex { $0 < name } ?? names.count)
      if names.count > limit { names.removeLast() }
    }
    guard !names.isEmpty else { return [] }
    let folder = try directory(of: instance)
    var events: [(entry: SpoolEntry, record: AttemptRecord?)] = []
    for name in names {
      let status = try folder.status(of: "\(EventState.dead.rawValue)/\(name)")
      guard let status, status.st_mode & S_IFMT == S_IFREG else { continue }
      let entry = SpoolEntry(
        place: SpoolPlace(instance: instance, state: .dead), fileName: name)
      events.append((entry, record(of: entry)))
    }
    return events
  }
}
