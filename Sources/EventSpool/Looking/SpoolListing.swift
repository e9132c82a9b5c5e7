extension EventState {
  /// In the order in which they need somebody.
  package static let byNeed: [EventState] = [.dead, .defer, .cur, .new, .done]
}

/// Events, those that need somebody first; of each state, in the order of their names, and so of
/// their times.
package struct SpoolListing {
  /// Keeps the names' bytes.
  private let list: NameList
  private let names: [NameList.Name]
  private let places: [SpoolPlace]

  init(names list: NameList, places: [SpoolPlace]) {
    self.list = list
    self.places = places
    let sorted = list.sorted()
    let states = Set(places.map(\.state))
    // However many names there are, a place is looked at once.
    let ranks = places.map { EventState.byNeed.firstIndex(of: $0.state) }
    names =
      states.count < 2
      ? sorted
      : EventState.byNeed.indices.flatMap { rank in
        sorted.filter { ranks[Int($0.folder)] == rank }
      }
  }

  package var count: Int { names.count }

  /// How many there are in each place that has some, in the order of the listing.
  package var counts: [(place: SpoolPlace, count: Int)] {
    var counts = [Int](repeating: 0, count: places.count)
    var order: [Int] = []
    for name in names {
      let folder = Int(name.folder)
      if counts[folder] == 0 { order.append(folder) }
      counts[folder] += 1
    }
    return order.map { (places[$0], counts[$0]) }
  }

  /// Calls `body` with each name, whose bytes are valid during the call, and where it lies.
  package func forEach(_ body: (UnsafeRawBufferPointer, SpoolPlace) -> Void) {
    for name in names { body(name.bytes, places[Int(name.folder)]) }
  }

  package var entries: [SpoolEntry] {
    names.map { SpoolEntry(place: places[Int($0.folder)], fileName: $0.text) }
  }
}
