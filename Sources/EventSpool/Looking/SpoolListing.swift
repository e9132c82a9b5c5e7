/// Events in the order of their names, and so of their times.
package struct SpoolListing {
  /// Keeps the names' bytes.
  private let list: NameList
  private let names: [NameList.Name]
  private let places: [SpoolPlace]

  init(names list: NameList, places: [SpoolPlace]) {
    self.list = list
    names = list.sorted()
    self.places = places
  }

  package var count: Int { names.count }

  /// Calls `body` with each name, whose bytes are valid during the call, and where it lies.
  package func forEach(_ body: (UnsafeRawBufferPointer, SpoolPlace) -> Void) {
    for name in names { body(name.bytes, places[Int(name.folder)]) }
  }

  package var entries: [SpoolEntry] {
    names.map { SpoolEntry(place: places[Int($0.folder)], fileName: $0.text) }
  }
}
