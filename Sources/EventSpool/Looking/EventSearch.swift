package import WebhookCore

/// Finds the events that an operator names, all of them in one pass over the folders.
extension SpoolReader {
  /// So many are told apart for one text.
  private static let mostMatches = 100

  /// The events that each of `texts` may mean: a path, from the instance's name on or one that leads
  /// into this very spool; a file's name, the beginning of an id, of at least six digits, or an id or a
  /// name that `cutInTheMiddle` has cut.
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
            if found[index].count < Self.mostMatches, mayMean(entry, texts[index]) {
              found[index].append(entry)
            }
          }
        }
      }
    }
    return found.map { $0.sorted { ($0.fileName, $0.path) < ($1.fileName, $1.path) } }
  }

  /// A path of another spool, such as a copy of this one, means no event here.
  private func mayMean(_ entry: SpoolEntry, _ text: String) -> Bool {
    guard text.contains("/"), text != entry.path else { return true }
    guard text.hasSuffix("/\(entry.path)") else { return false }
    return isSpool(String(decoding: text.utf8.dropLast(entry.path.utf8.count), as: UTF8.self))
  }
}

/// What names are looked for: whole ones, beginnings of ids, and ids without their middle.
private struct WantedNames {
  /// How much of an id or a name is there.
  private struct Ends: Hashable {
    let head, tail: Int
  }

  /// To the texts' places.
  private var names: [[UInt8]: [Int]] = [:]
  /// By both ends, one after the other. The beginning of an id has no tail.
  private var cuts: [Ends: [[UInt8]: [Int]]] = [:]

  init(_ texts: [String]) {
    for (index, text) in texts.enumerated() {
      let isPath = text.contains("/")
      if isPath || text.hasSuffix(".json") {
        names[Array((text.split(separator: "/").last ?? "").utf8), default: []].append(index)
      }
      if let (head, tail) = isPath ? nil : endsOfCut(Array(text.utf8)) {
        add(head, tail, index)
      } else if !text.hasSuffix(".json") {
        add(Array(text.lowercased().utf8.prefix(32)), [], index)
      }
    }
  }

  private mutating func add(_ head: [UInt8], _ tail: [UInt8], _ index: Int) {
    guard head.count + tail.count >= 6 else { return }
    cuts[Ends(head: head.count, tail: tail.count), default: [:]][head + tail, default: []]
      .append(index)
  }

  func forEachMatch(of name: UnsafeRawBufferPointer, _ body: (Int) -> Void) {
    if !names.isEmpty { names[Array(name)]?.forEach(body) }
    guard !cuts.isEmpty else { return }
    let id = EventFileName.Parts(of: name)?.idPrefix
    for (ends, wanted) in cuts {
      // A name that is no event's is cut as a whole.
      guard let part = id ?? (ends.tail > 0 ? 0..<name.count : nil),
        part.count >= ends.head + ends.tail
      else { continue }
      wanted[Array(name[part.prefix(ends.head)]) + Array(name[part.suffix(ends.tail)])]?
        .forEach(body)
    }
  }
}
