internal import CFastCGI
internal import Glibc
internal import WebhookCore

/// libfcgi's state for the requests of one worker, which are served one after the other.
///
/// The connection is accepted elsewhere and handed in (`ipcFd`), so that a peer that says nothing
/// holds no worker.
final class FastCGIRequest {
  private let request = UnsafeMutablePointer<FCGX_Request>.allocate(capacity: 1)
  private let chunk = UnsafeMutableRawBufferPointer.allocate(
    byteCount: bodyChunkBytes, alignment: 1)
  /// Whether the whole body, its end included, has been read: only then can the connection be kept.
  private var isBodyAtEnd = false

  init() {
    request.initialize(to: FCGX_Request())
    // No listener: FCGX_Accept_r serves what is handed in, and then fails.
    precondition(FCGX_InitRequest(request, -1, 0) == 0, "libfcgi refused to start")
  }

  deinit {
    FCGX_Free(request, 0)
    request.deallocate()
    chunk.deallocate()
  }

  /// Reads the parameters of the next request on `descriptor`, which now belongs to libfcgi.
  /// - Returns: nil if there is none: the peer went away, sent something else than FastCGI or asked
  ///   for another role; the descriptor is then closed.
  func parameters(from descriptor: Int32) -> RequestParameters? {
    isBodyAtEnd = false
    request.pointee.ipcFd = descriptor
    request.pointee.detached = 0
    // Without it, FCGX_Accept_r closes the descriptor before it reads from it.
    request.pointee.keepConnection = 1
    guard FCGX_Accept_r(request) == 0 else { return nil }
    guard request.pointee.role == FCGI_RESPONDER else {
      request.pointee.keepConnection = 0
      finish()
      return nil
    }
    return RequestParameters(entries: request.pointee.envp)
  }

  /// The next bytes of the body, at most `bodyChunkBytes`.
  func readBody(atMost count: Int) -> BodyChunk {
    let read = FCGX_GetStr(
      chunk.assumingMemoryBound(to: CChar.self).baseAddress,
      Int32(clamping: min(count, chunk.count)), request.pointee.in)
    // Zero bytes do not say that the body ended well.
    guard FCGX_GetError(request.pointee.in) == 0 else { return .broken }
    guard read > 0 else {
      isBodyAtEnd = true
      return .end
    }
    return .bytes(UnsafeRawBufferPointer(rebasing: chunk[..<Int(read)]))
  }

  /// Sends the response and ends the request.
  /// - Parameters:
  ///   - isBodyRead: whether as much of the body was read as was announced.
  ///   - mayKeepConnection: false if no further request shall come on it.
  /// - Returns: whether the connection is still open and ours again.
  func respond(with response: [UInt8], isBodyRead: Bool, mayKeepConnection: Bool) -> Bool {
    // The end of the body is a record of its own, which the next request must not begin with.
    if isBodyRead && !isBodyAtEnd { _ = readBody(atMost: 1) }
    if !isBodyAtEnd || !mayKeepConnection { request.pointee.keepConnection = 0 }
    // If nothing is left to read, a plain close delivers the response. Else libfcgi waits for the
    // peer's end, or the peer may see a reset connection before it sees the response.
    request.pointee.detached = isBodyAtEnd ? 1 : 0
    response.withUnsafeBytes { bytes in
      _ = FCGX_PutStr(
        bytes.assumingMemoryBound(to: CChar.self).baseAddress, Int32(clamping: bytes.count),
        request.pointee.out)
    }
    return finish()
  }

  @discardableResult
  private func finish() -> Bool {
    FCGX_Finish_r(request)
    let isOpen = request.pointee.ipcFd >= 0
    request.pointee.ipcFd = -1
    return isOpen
  }
}
