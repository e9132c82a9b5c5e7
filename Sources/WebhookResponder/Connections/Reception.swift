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

  private static let bytesPerRead = 32 << 10
  /// Of all connections together.
  private static let maximumHeldBytes = 64 << 20

  private let maximumConnections: Int
  private let snapshot: () -> Snapshot
  private let counters: Counters
  private var buffer = [UInt8](repeating: 0, count: bytesPerRead)
  private var unfinished: [UInt64: RequestReceiver] = [:]
  private var heldBytes = 0

  init(maximumConnections: Int, counters: Counters, snapshot: @escaping () -> Snapshot) {
    self.maximumConnections = maximumConnections
    self.counters = counters
    self.snapshot = snapshot
  }

  /// Reads from the connection, up to the end of a request.
  mutating func receive(from connection: Connection) -> Result {
    var receiver =
      take(connection.id)
      ?? RequestReceiver(maximumConnections: maximumConnections, snapshot: snapshot)
    let rest = connection.takeRest()
    var input = rest[...]
    if input.isEmpty {
      switch connection.receive(into: &buffer) {
      case .bytes(let count):
        input = buffer[..<count]
        counters.received(bytes: count)
      case .none:
        keep(receiver, of: connection.id)
        return .waiting
      case .end: return .ended
      }
    }
    while true {
      switch receiver.next(&input) {
      case .needsMore:
        keep(receiver, of: connection.id)
        return .waiting
      case .request(let request):
        let hasMore = !input.isEmpty && request.keepsConnection
        if hasMore { connection.keep(Array(input)) }
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

  private mutating func keep(_ receiver: RequestReceiver, of id: UInt64) {
    unfinished[id] = receiver
    heldBytes += receiver.heldBytes
  }

  private mutating func take(_ id: UInt64) -> RequestReceiver? {
    guard let receiver = unfinished.removeValue(forKey: id) else { return nil }
    heldBytes -= receiver.heldBytes
    return receiver
  }

  /// The connection is closed.
  /// - Returns: whether a request had begun on it and is not whole.
  @discardableResult
  mutating func forget(_ id: UInt64) -> Bool { take(id)?.hasRequest ?? false }

  /// The connection that holds the most memory, if all of them hold too much: it is to be closed. A
  /// delivery holds some kilobytes.
  var greediest: UInt64? {
    guard heldBytes > Self.maximumHeldBytes else { return nil }
    return unfinished.max { $0.value.heldBytes < $1.value.heldBytes }?.key
  }
}
