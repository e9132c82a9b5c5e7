internal import Foundation
internal import Glibc
internal import Synchronization
internal import TestSupport

/// An HTTP server on this machine that answers each POST as a test wants it.
final class AnsweringServer: Sendable {
  enum Answer: Sendable {
    /// - Parameter field: a further header field, such as `Retry-After: 3`.
    case status(Int, text: String = "", field: String? = nil)
    /// Nothing, as long as the client waits.
    case silence
    /// Success, and less content than was announced.
    case cutOff
    /// Success, and content without an end, little by little.
    case dripping
  }

  let port: Int
  private let listener: Int32
  private let count = Atomic(0)

  /// - Parameter answer: to a request's body. Any thread may call it.
  init(_ answer: @escaping @Sendable (_ body: String) -> Answer) throws {
    (port, listener) = try Self.listening()
    let listening = listener
    Thread.detachNewThread { [self] in
      while true {
        let client = accept(listening, nil, nil)
        guard client >= 0 else { return }
        Thread.detachNewThread { [self] in serve(client, answer) }
      }
    }
  }

  /// Another process may take a port that was free a moment ago.
  private static func listening() throws -> (port: Int, Int32) {
    for _ in 0..<20 {
      let port = try freePort()
      let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
      var one: Int32 = 1
      setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<Int32>.size))
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_port = in_port_t(port).bigEndian
      address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
      let isBound = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          bind(listener, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
        }
      }
      if isBound, listen(listener, 128) == 0 { return (port, listener) }
      Glibc.close(listener)
    }
    throw Failure()
  }

  deinit { close() }

  /// No further connection is accepted.
  func close() { shutdown(listener, Int32(SHUT_RDWR)) }

  var url: String { "http://localhost:\(port)/" }

  /// How many requests have come.
  var requests: Int { count.load(ordering: .relaxed) }

  private struct Failure: Error {}

  private func serve(_ client: Int32, _ answer: (String) -> Answer) {
    defer { Glibc.close(client) }
    while let body = nextBody(from: client) {
      count.add(1, ordering: .relaxed)
      switch answer(body) {
      case .status(let status, let text, let field):
        let fields = field.map { "\($0)\r\n" } ?? ""
        send(
          "HTTP/1.1 \(status) X\r\nContent-Length: \(text.utf8.count)\r\n\(fields)\r\n\(text)",
          client)
      case .silence:
        waitForEnd(of: client, milliseconds: -1)
        return
      case .cutOff:
        send("HTTP/1.1 200 X\r\nContent-Length: 100\r\n\r\nbeginning", client)
        return
      case .dripping:
        send("HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n", client)
        while !waitForEnd(of: client, milliseconds: 100) { send("1\r\nx\r\n", client) }
        return
      }
    }
  }

  @discardableResult
  private func waitForEnd(of client: Int32, milliseconds: Int32) -> Bool {
    var state = pollfd(fd: client, events: Int16(POLLIN), revents: 0)
    return poll(&state, 1, milliseconds) > 0
  }

  /// Nil at the end of the connection.
  private func nextBody(from client: Int32) -> String? {
    var bytes: [UInt8] = []
    var wanted: Int?
    while wanted.map({ bytes.count < $0 }) ?? true {
      var buffer = [UInt8](repeating: 0, count: 16_384)
      let count = recv(client, &buffer, buffer.count, 0)
      guard count > 0 else { return nil }
      bytes += buffer.prefix(count)
      let text = String(decoding: bytes, as: UTF8.self)
      if wanted == nil, let head = text.range(of: "\r\n\r\n") {
        let length = text.firstMatch(of: /(?i)content-length: (\d+)/).flatMap { Int($0.1) } ?? 0
        wanted = text.utf8.distance(from: text.startIndex, to: head.upperBound) + length
      }
    }
    let text = String(decoding: bytes, as: UTF8.self)
    return text.range(of: "\r\n\r\n").map { String(text[$0.upperBound...]) }
  }

  private func send(_ text: String, _ client: Int32) {
    let bytes = Array(text.utf8)
    _ = Glibc.send(client, bytes, bytes.count, Int32(MSG_NOSIGNAL))
  }
}
