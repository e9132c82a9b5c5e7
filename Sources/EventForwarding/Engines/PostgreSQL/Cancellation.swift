internal import CPostgreSQL
internal import LinuxSystem

/// Asks the server to end what runs on `connection` (libpq's manual, §34.7), so that nothing goes
/// on there when nobody waits for it any more. Returns when the server has been asked, after a
/// second at the latest: libpq itself waits without a limit, so a thread does it.
func cancelStatement(on connection: OpaquePointer) {
  guard let request = PQgetCancel(connection) else { return }
  let cancellation = Cancellation(request: request)
  do throws(SystemError) {
    let end = try WakeUp()
    try startThread {
      cancellation.send()
      end.signal()
    }
    waitUntilReadable([end.descriptor], milliseconds: 1_000)
  } catch {
    // Nobody sends it. The server finds out when it writes to the closed connection.
    PQfreeCancel(request)
  }
}

/// Handed to the thread that sends it, never shared.
private struct Cancellation: @unchecked Sendable {
  let request: OpaquePointer

  func send() {
    // libpq's manual recommends this size.
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { text in
      _ = PQcancel(request, text.baseAddress, Int32(text.count))
    }
    PQfreeCancel(request)
  }
}
