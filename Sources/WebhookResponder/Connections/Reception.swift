internal import ServiceProcess

/// What connections have sent that is not a whole request yet. For the main loop's thread.
struct Reception: ~Copyable {
  enum Result {
    /// More has to come.
    case waiting
    /// - Parameter hasMore: further bytes of the connection are here already.
    case request(ReceivedRequest, hasMore: Bool)
    /// The connection is to be closed.
    case ended
    case malformed
  }

  private struct Unfinished {
    var receiver: RequestReceiver
    /// Bytes that came behind a request.
    var rest: [UInt8] = []

    var heldBytes: Int { receiver.heldBytes + rest.count }
  }

  private static let bytesPerRead = 32 << 10
  /// Of all connections together.
  private static let maximumHeldBytes = 64 << 20

  private let maximumConnections: Int
  private let snapshot: () -> Snapshot
  private var buffer = [UInt8](repeating: 0, count: bytesPerRead)
  private var unfinished: [UInt64: Unfinished] = [:]
  private var heldBytes = 0

  init(maximumConnections: Int, snapshot: @escaping () -> Snapshot) {
    self.maximumConnections = maximumConnections
    self.snapshot = snapshot
  }

  /// Reads from the connection, up to the end of a request.
  mutating func receive(from connection: Connection) -> Result {
    var receiver: RequestReceiver
    var input: ArraySlice<UInt8>
    if let found = take(connection.id) {
      receiver = found.receiver
      input = found.rest[...]
    } else {
      receiver = RequestReceiver(maximumConnections: maximumConnections, snapshot: snapshot)
      input = []
    }
    if input.isEmpty {
      switch connection.receive(into: &buffer) {
      case .bytes(let count): input = buffer[..<count]
      case .none:
        keep(Unfinished(receiver: receiver), of: connection.id)
        return .waiting
      case .end: return .ended
      }
    }
    while true {
      switch receiver.next(&input) {
      case .needsMore:
        keep(Unfinished(receiver: receiver), of: connection.id)
        return .waiting
      case .request(let request):
        let hasMore = !input.isEmpty
        if hasMore { keep(Unfinished(receiver: receiver, rest: Array(input)), of: connection.id) }
        return .request(request, hasMore: hasMore)
      case .answer(let bytes):
        guard connection.send(bytes) else { return .ended }
      case .last(let bytes):
        _ = connection.send(bytes)
        return .ended
      case .malformed: return .malformed
      }
    }
  }

  private mutating func keep(_ new: Unfinished, of id: UInt64) {
    unfinished[id] = new
    heldBytes += new.heldBytes
  }

  private mutating func take(_ id: UInt64) -> Unfinished? {
    guard let found = unfinished.removeValue(forKey: id) else { return nil }
    heldBytes -= found.heldBytes
    return found
  }

  /// The connection is closed.
  mutating func forget(_ id: UInt64) { _ = take(id) }

  /// The connection that holds the most memory, if all of them hold too much: it is to be closed. A
  /// delivery holds some kilobytes.
  var greediest: UInt64? {
    guard heldBytes > Self.maximumHeldBytes else { return nil }
    return unfinished.max { $0.value.heldBytes < $1.value.heldBytes }?.key
  }
}
