internal import WebhookConfiguration
internal import WebhookCore

/// A whole request of a web server, checked to its last byte.
struct ReceivedRequest {
  /// Its records for libfcgi: the beginning, the parameters, and a standard input without a body.
  /// Made here, so that libfcgi never parses a record that a peer wrote.
  let records: [UInt8]
  let body: ReceivedBody
  /// What it is decided by, as it was when the request began.
  let snapshot: Snapshot
  /// Whether the web server wants to use the connection again (`FCGI_KEEP_CONN`).
  let keepsConnection: Bool
  let purpose: Purpose

  /// How much memory it takes, about.
  var heldBytes: Int { 1_024 + records.count + body.bytes.count }

  /// As the web server's configuration says, before `Route` looks at it.
  enum Purpose {
    case delivery, healthCheck, observation
  }
}

/// Reads one connection's bytes as FastCGI records (specification §3.3 to §5.5), and gives out
/// whole requests, one after the other. A body is counted, and kept only if somebody looks at it.
struct RequestReceiver {
  enum Step {
    /// All bytes are taken; more have to come.
    case needsMore
    case request(ReceivedRequest)
    /// To be sent to the peer. Further steps may follow.
    case answer([UInt8])
    /// To be sent to the peer, and then its connection is to be closed.
    case last([UInt8])
    /// What came is not FastCGI, or too much: the connection is to be closed.
    case malformed
  }

  /// Of a request's parameters together. Web servers limit a request's header to less.
  static let maximumParameterBytes = 192 << 10
  /// Before a request is whole: of management records, aborts and requests beside it.
  private static let maximumAnswers = 16
  /// Of a management record, or of the beginning of a request.
  private static let maximumControlBytes = 4_096

  private struct Request {
    let id: UInt16
    let keepsConnection: Bool
    let snapshot: Snapshot
    var parameters: [UInt8] = []
    var hasAllParameters = false
    var body: ReceivedBody
  }

  /// What `FCGI_GET_VALUES` is answered: how many connections and requests are served at once.
  private let maximumConnections: Int
  private let snapshot: () -> Snapshot
  private var header: [UInt8] = []
  private var record: RecordHeader?
  private var contentLeft = 0
  private var paddingLeft = 0
  /// Of a record that is looked at as a whole.
  private var control: [UInt8] = []
  private var request: Request?
  /// Since the last whole request.
  private var answers = 0

  /// - Parameter snapshot: that in force, asked for at the beginning of each request.
  init(maximumConnections: Int, snapshot: @escaping () -> Snapshot) {
    self.maximumConnections = maximumConnections
    self.snapshot = snapshot
  }

  /// Whether a request has begun and is not whole.
  var hasRequest: Bool { request != nil }

  /// How much memory the request in progress takes, about.
  var heldBytes: Int {
    1_024 + control.count + (request.map { $0.parameters.count + $0.body.bytes.count } ?? 0)
  }

  /// Takes bytes from the front of `input`, up to the next step.
  mutating func next(_ input: inout ArraySlice<UInt8>) -> Step {
    while true {
      if record == nil {
        takeHeader(&input)
        guard header.count == RecordHeader.byteCount else { return .needsMore }
        guard let new = RecordHeader(header), begin(new) else { return .malformed }
      }
      takeContent(&input)
      guard contentLeft == 0, paddingLeft == 0, let record else { return .needsMore }
      self.record = nil
      header.removeAll(keepingCapacity: true)
      guard let step = end(record) else { continue }
      if case .request = step { answers = 0 } else { answers += 1 }
      return answers <= Self.maximumAnswers ? step : .malformed
    }
  }

  private mutating func takeHeader(_ input: inout ArraySlice<UInt8>) {
    let piece = input.prefix(RecordHeader.byteCount - header.count)
    header += piece
    input = input.dropFirst(piece.count)
  }

  private mutating func takeContent(_ input: inout ArraySlice<UInt8>) {
    let content = input.prefix(contentLeft)
    contentLeft -= content.count
    input = input.dropFirst(content.count)
    switch kindOfOurs {
    case .parameters: request?.parameters += content
    case .standardInput: request?.body.append(content)
    case .beginRequest, .getValues: control += content
    default: break  // passed over
    }
    let padding = min(paddingLeft, input.count)
    paddingLeft -= padding
    input = input.dropFirst(padding)
  }

  /// The current record's kind; nil if it belongs to no request of ours: it is then passed over.
  private var kindOfOurs: RecordHeader.Kind? {
    guard let record else { return nil }
    switch record.kind {
    case .parameters, .standardInput, .abortRequest:
      return record.requestID == request?.id ? record.kind : nil
    case let kind: return kind
    }
  }

  // MARK: Records

  /// - Returns: whether the record may come now.
  private mutating func begin(_ new: RecordHeader) -> Bool {
    record = new
    (contentLeft, paddingLeft) = (new.contentLength, new.paddingLength)
    control.removeAll(keepingCapacity: true)
    guard new.requestID != 0 else {
      // Management records (§4); those of a request must name it.
      return (new.kind == .getValues || new.kind == nil) && contentLeft <= Self.maximumControlBytes
    }
    switch new.kind {
    case .beginRequest: return contentLeft == 8 && new.requestID != request?.id
    case .abortRequest: return true
    case .parameters:
      guard let request, request.id == new.requestID else { return true }
      return !request.hasAllParameters
        && request.parameters.count + contentLeft <= Self.maximumParameterBytes
    case .standardInput:
      guard let request, request.id == new.requestID else { return true }
      return request.hasAllParameters
    // Of other roles, or only for web servers.
    case .data, .endRequest, .standardOutput, .standardError, .getValues, .getValuesResult,
      .unknownType, nil:
      return false
    }
  }

  /// The record is whole.
  private mutating func end(_ record: RecordHeader) -> Step? {
    guard record.requestID != 0 else { return managementAnswer(record) }
    switch record.kind {
    case .beginRequest: return beginRequest(record.requestID)
    case .abortRequest: return abortRequest(record.requestID)
    case .parameters where record.contentLength == 0: return endParameters(record.requestID)
    case .standardInput where record.contentLength == 0: return endRequest(record.requestID)
    default: return nil
    }
  }

  private mutating func beginRequest(_ id: UInt16) -> Step? {
    // One at a time; the records of this one are passed over.
    guard request == nil else { return .answer(endRequestRecord(id, .cannotMultiplex)) }
    let role = Int(control[0]) << 8 | Int(control[1])
    guard role == 1 else { return .last(endRequestRecord(id, .unknownRole)) }
    let snapshot = snapshot()
    request = Request(
      id: id, keepsConnection: control[2] & 1 == 1, snapshot: snapshot,
      body: ReceivedBody(under: snapshot.settings))
    return nil
  }

  private mutating func abortRequest(_ id: UInt16) -> Step? {
    guard let request, request.id == id else { return nil }
    self.request = nil
    let answer = endRequestRecord(id, .requestComplete)
    return request.keepsConnection ? .answer(answer) : .last(answer)
  }

  private mutating func endParameters(_ id: UInt16) -> Step? {
    guard let parameters = request?.parameters, request?.id == id else { return nil }
    var pairs = NameValuePairs(parameters)
    while pairs.next() != nil {}
    guard pairs.isAtEnd else { return .malformed }
    request?.hasAllParameters = true
    return nil
  }

  private mutating func endRequest(_ id: UInt16) -> Step? {
    guard let request, request.id == id else { return nil }
    self.request = nil
    var records: [UInt8] = []
    records.reserveCapacity(request.parameters.count + 48)
    let flags: UInt8 = request.keepsConnection ? 1 : 0
    appendRecords(.beginRequest, id, [0, 1, flags, 0, 0, 0, 0, 0], to: &records)
    if !request.parameters.isEmpty {
      appendRecords(.parameters, id, request.parameters, to: &records)
    }
    appendRecords(.parameters, id, [], to: &records)
    appendRecords(.standardInput, id, [], to: &records)
    return .request(
      ReceivedRequest(
        records: records, body: request.body, snapshot: request.snapshot,
        keepsConnection: request.keepsConnection,
        purpose: Self.purpose(request.parameters)))
  }

  private static func purpose(_ parameters: [UInt8]) -> ReceivedRequest.Purpose {
    var pairs = NameValuePairs(parameters)
    while let pair = pairs.next() {
      guard pair.name.elementsEqual("DELVE_HOOK".utf8) else { continue }
      if pair.value.elementsEqual("health".utf8) { return .healthCheck }
      let isObservation = Route.Observation.allCases.contains {
        pair.value.elementsEqual($0.rawValue.utf8)
      }
      return isObservation ? .observation : .delivery
    }
    return .delivery
  }

  // MARK: Management (§4)

  private func managementAnswer(_ record: RecordHeader) -> Step? {
    var bytes: [UInt8] = []
    guard record.kind == .getValues else {
      appendRecords(.unknownType, 0, [record.type, 0, 0, 0, 0, 0, 0, 0], to: &bytes)
      return .answer(bytes)
    }
    let values = [
      "FCGI_MAX_CONNS": "\(maximumConnections)", "FCGI_MAX_REQS": "\(maximumConnections)",
      "FCGI_MPXS_CONNS": "0",
    ]
    var content: [UInt8] = []
    var pairs = NameValuePairs(control)
    while let pair = pairs.next() {
      let name = String(decoding: pair.name, as: UTF8.self)
      if let value = values[name] { appendPair(pair.name, value, to: &content) }
    }
    guard pairs.isAtEnd else { return .malformed }
    appendRecords(.getValuesResult, 0, content, to: &bytes)
    return .answer(bytes)
  }
}
