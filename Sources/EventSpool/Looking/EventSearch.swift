package import WebhookCore

/// Finds the events that an operator names, all of them in one pass over the folders.
extension SpoolReader {
  /// So many are told apart for one text.
  private static let mostMatches = 100

  /// The events that each of `texts` may mean: a path, a file's name, or the beginning of an id, of
  /// at least six digits.
  package func entries(
    named texts: [String], of instances: [InstanceName], in states: [EventState]
  ) throws(SpoolError) -> [[SpoolEntry]] {
    let wanted = WantedNames(texts)
    var found = [[SpoolEntry]](repeating: [], count: texts.count)
    for instance in instances {
      for state in states {
        try forEachName(of: instance, in: state) { name, day in
          wanted.forEachMatch(of: name) { index in
            let entry = SpoolEntry(
              place: SpoolPlace(instance: instance, state: state, day: day),
              fileName: String(decoding: name, as: UTF8.self))
            let isMeant =
              !texts[index].contains("/") || "/\(texts[index])".hasSuffix("/\(entry.path)")
            if isMeant, found[index].count < Self.mostMatches { found[index].append(entry) }
          }
        }
      }
    }
    return found.map { $0.sorted { ($0.fileName, $0.path) < ($1.fileName, $1.path) } }
  }
}

/// What names are looked for: whole ones, and beginnings of ids.
private struct WantedNames {
  /// To the texts' places.
  private var names: [[UInt8]: [Int]] = [:]
  private var prefixes: [[UInt8]: [Int]] = [:]
  /// The lengths of the prefixes, each once.
  private var prefixLengths: [Int]

  init(_ texts: [String]) {
    for (index, text) in texts.enumerated() {
      if text.hasSuffix(".json") {
        names[Array((text.split(separator: "/").last ?? "").utf8), default: []].append(index)
      } else {
        let prefix = Array(text.lowercased().utf8.prefix(32))
        if prefix.count >= 6 { prefixes[prefix, default: []].append(index) }
      }
    }
    prefixLengths = Set(prefixes.keys.map(\.count)).sorted()
  }

  func forEachMatch(of name: UnsafeRawBufferPointer, _ body: (Int) -> Void) {
    if !names.isEmpty { names[Array(name)]?.forEach(body) }
    guard !prefixes.isEmpty, let id = EventFileName.Parts(of: name)?.idPrefix else {
      return
    }
    for length in prefixLengths { prefixes[Array(name[id.prefix(length)])]?.forEach(body) }
  }
}
