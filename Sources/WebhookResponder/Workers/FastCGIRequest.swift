internal import CFastCGI
internal import Glibc
internal import LinuxSystem

/// libfcgi's state for the requests of one worker, which are served one after the other.
///
/// libfcgi reads a request's records from a socket pair of our own, where only checked ones come,
/// and writes its answer to the connection, which does not block unless `waitWhenSending` was called.
/// It parses nothing that a peer wrote.
final class FastCGIRequest {
  /// The ends of the pair: we write, and libfcgi reads. It may close its end.
  private struct Pair {
    let writing: Int32
    let reading: Int32
  }

  private let request = UnsafeMutablePointer<FCGX_Request>.allocate(capacity: 1)
  private var pair: Pair?

  init() {
    request.initialize(to: FCGX_Request())
    // No listener: FCGX_Accept_r serves what is handed in, and then fails.
    precondition(FCGX_InitRequest(request, -1, 0) == 0, "libfcgi refused to start")
  }

  deinit {
    FCGX_Free(request, 0)
    request.deallocate()
    if let pair {
      close(pair.writing)
      close(pair.reading)
    }
  }

  /// Has libfcgi take a request over.
  /// - Returns: nil if the system has no descriptors or no memory for it.
  func parameters(of received: ReceivedRequest) -> RequestParameters? {
    guard let pair = pair ?? makePair() else { return nil }
    self.pair = pair
    guard (try? writeAll(received.records, to: pair.writing)) != nil else { return dropPair(pair) }
    request.pointee.ipcFd = pair.reading
    request.pointee.detached = 0
    // Without it, FCGX_Accept_r closes the descriptor before it reads from it.
    request.pointee.keepConnection = 1
    // If it fails, it has closed the descriptor.
    guard FCGX_Accept_r(request) == 0 else {
      close(pair.writing)
      self.pair = nil
      return nil
    }
    // The end of the empty body, so that the next request begins behind it.
    var byte: CChar = 0
    _ = FCGX_GetStr(&byte, 1, request.pointee.in)
    return RequestParameters(entries: request.pointee.envp)
  }

  /// Sends the response and ends the request.
  /// - Returns: whether the peer took all of it. Else the connection is of no further use.
  func respond(with response: [UInt8], to connection: Connection) -> Bool {
    request.pointee.ipcFd = connection.descriptor
    response.withUnsafeBytes { bytes in
      _ = FCGX_PutStr(
        bytes.assumingMemoryBound(to: CChar.self).baseAddress, Int32(clamping: bytes.count),
        request.pointee.out)
    }
    // FCGX_Finish_r would close the connection after an error; that is ours to do.
    let isSent = FCGX_FClose(request.pointee.err) == 0 && FCGX_FClose(request.pointee.out) == 0
    FCGX_Free(request, 0)
    request.pointee.ipcFd = -1
    return isSent
  }

  private func makePair() -> Pair? {
    guard let made = try? SocketPair() else { return nil }
    let pair = made.released()
    // All of a request's records fit, or it is refused; nothing waits.
    var bytes = Int32(2 * RequestReceiver.maximumParameterBytes)
    setsockopt(pair.one, SOL_SOCKET, SO_SNDBUF, &bytes, socklen_t(MemoryLayout<Int32>.size))
    makeNonBlocking(pair.one)
    return Pair(writing: pair.one, reading: pair.other)
  }

  private func dropPair(_ pair: Pair) -> RequestParameters? {
    close(pair.writing)
    close(pair.reading)
    self.pair = nil
    return nil
  }
}
