/// A number of bytes for people.
package struct ByteCount {
  package let bytes: Int

  package init(_ bytes: Int) {
    self.bytes = bytes
  }

  /// In the largest decimal unit of which there is one, rounded down: `84 GB`, `1.2 MB`.
  package var words: String {
    let units = [
      (1_000_000_000_000, "TB"), (1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB"),
    ]
    guard let (size, name) = units.first(where: { bytes >= $0.0 }) else { return "\(bytes) B" }
    let tenths = bytes / (size / 10)
    return tenths < 100 ? "\(tenths / 10).\(tenths % 10) \(name)" : "\(tenths / 10) \(name)"
  }
}
