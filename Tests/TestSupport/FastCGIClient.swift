internal import Glibc
internal import LinuxSystem

/// A FastCGI web server's side of one connection (FastCGI specification §3), for tests. It can also
/// send bytes that no web server would send.
package final class FastCGIClient {
  package struct Response: Sendable {
    package let status: Int
    /// The names as they were received.
    package let headers: [(name: String, value: String)]
    package let body: [UInt8]

    package subscript(name: String) -> String? { headers.first { $0.name == name }?.value }
    package var text: String { String(decoding: body, as: UTF8.self) }
  }

  package enum Failure: Error { case cannotConnect(Int32), closed, malformed }

  package enum RecordType: UInt8 {
    case beginRequest = 1
    case abortRequest = 2
    case endRequest = 3
    case parameters = 4
    case standardInput = 5
    case standardOutput = 6
    case getValues = 9
  }

  private let file: FileDescriptor
  private var descriptor: Int32 { file.raw }

  /// Connects to a unix socket.
  package convenience init(socket path: String) throws {
    try self.init(SocketAddress(unixPath: path))
  }

  /// Connects to a port of 127.0.0.1.
  package convenience init(port: Int) throws {
    try self.init(SocketAddress(host: "127.0.0.1", port: UInt16(port)))
  }

  private init(_ address: SocketAddress?) throws {
    guard let address else { throw Failure.cannotConnect(ENAMETOOLONG) }
    file = try streamSocket(address.family)
    let raw = file.raw
    guard address.withPointer({ connect(raw, $0, $1) }) == 0 else {
      throw Failure.cannotConnect(errno)
    }
    // A test must not hang: the responder's own limit is ten seconds, and a disk may take its time.
    var limit = timeval(tv_sec: 300, tv_usec: 0)
    setsockopt(raw, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
  }

  // MARK: Requests

  /// Sends a whole request, and returns its response.
  package func request(
    _ parameters: [(String, [UInt8])], body: [UInt8] = [], keepConnection: Bool = false
  ) throws -> Response {
    try begin(keepConnection: keepConnection)
    try send(.parameters, Self.encoded(parameters))
    try send(.parameters, [])
    if !body.isEmpty { try send(.standardInput, body) }
    try send(.standardInput, [])
    return try response()
  }

  package func begin(role: UInt8 = 1, keepConnection: Bool = false) throws {
    try send(.beginRequest, [0, role, keepConnection ? 1 : 0, 0, 0, 0, 0, 0])
  }

  /// Sends one record, or several if `content` needs them.
  package func send(_ type: RecordType, _ content: [UInt8]) throws {
    var rest = content[...]
    repeat {
      let part = rest.prefix(65_528)
      rest = rest.dropFirst(part.count)
      let length = [UInt8(part.count >> 8), UInt8(part.count & 0xFF)]
      try send(bytes: [1, type.rawValue, 0, 1] + length + [0, 0] + part)
    } while !rest.isEmpty
  }

  package func send(bytes: [UInt8]) throws {
    var offset = 0
    while offset < bytes.count {
      let count = bytes[offset...].withUnsafeBytes {
        Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { throw Failure.closed }
      offset += count
    }
  }

  /// Encodes name-value pairs (§3.4).
  package static func encoded(_ parameters: [(String, [UInt8])]) -> [UInt8] {
    func length(_ count: Int) -> [UInt8] {
      count < 128
        ? [UInt8(count)]
        : [24, 16, 8, 0].map { UInt8(count >> $0 & 0xFF) | ($0 == 24 ? 0x80 : 0) }
    }
    return parameters.flatMap { name, value in
      length(name.utf8.count) + length(value.count) + Array(name.utf8) + value
    }
  }

  // MARK: Responses

  /// Reads everything up to the end of the request.
  package func response() throws -> Response {
    var output: [UInt8] = []
    while true {
      let header = try receive(8)
      let content = try receive(Int(header[4]) << 8 | Int(header[5]))
      _ = try receive(Int(header[6]))
      switch RecordType(rawValue: header[1]) {
      case .standardOutput: output += content
      case .endRequest: return try Self.parse(output)
      default: break
      }
    }
  }

  /// Waits until the responder closes the connection, even if it sends something first. Does not block the thread, because tests share few threads.
  package func isClosedByPeer() async throws -> Bool {
    try await eventually { isClosed }
  }

  /// Whether the responder has closed the connection. What it has sent before is thrown away.
  package var isClosed: Bool {
    var bytes = [UInt8](repeating: 0, count: 4_096)
    while true {
      let count = recv(descriptor, &bytes, bytes.count, Int32(MSG_DONTWAIT))
      if count <= 0 { return count == 0 || errno != EAGAIN }
    }
  }

  /// Waits until something comes. Does not block the thread.
  package func hasInput() async throws -> Bool {
    var byte: UInt8 = 0
    return try await eventually {
      recv(descriptor, &byte, 1, Int32(MSG_DONTWAIT | MSG_PEEK)) == 1
    }
  }

  /// Tells the peer that no more bytes will be sent.
  package func shutDownSending() { shutdown(descriptor, Int32(SHUT_WR)) }

  private func receive(_ count: Int) throws -> [UInt8] {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while bytes.count < count {
      let received = recv(descriptor, &buffer, min(buffer.count, count - bytes.count), 0)
      guard received > 0 else { throw Failure.closed }
      bytes += buffer.prefix(received)
    }
    return bytes
  }

  private static func parse(_ output: [UInt8]) throws -> Response {
    let separator: [UInt8] = [13, 10, 13, 10]
    guard let end = output.indices.first(where: { output[$0...].starts(with: separator) }) else {
      throw Failure.malformed
    }
    let lines = String(decoding: output[..<end], as: UTF8.self).split(separator: "\r\n")
    var headers: [(name: String, value: String)] = []
    for line in lines {
      guard let colon = line.firstIndex(of: ":") else { throw Failure.malformed }
      let value = line[line.index(after: colon)...].drop { $0 == " " }
      headers.append((String(line[..<colon]), String(value)))
    }
    guard
      let status = headers.first(where: { $0.name == "Status" }).flatMap({ Int($0.value.prefix(3)) }
      )
    else { throw Failure.malformed }
    return Response(
      status: status, headers: headers, body: Array(output[(end + separator.count)...]))
  }
}
