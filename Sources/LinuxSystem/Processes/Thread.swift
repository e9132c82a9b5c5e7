internal import Glibc

/// Starts a thread that nobody joins: the process ends without waiting for it.
///
/// `body` must not come from a main-actor context, or the runtime traps.
package func startThread(_ body: @escaping @Sendable () -> Void) throws(SystemError) {
  final class Box: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }
  var attributes = pthread_attr_t()
  pthread_attr_init(&attributes)
  defer { pthread_attr_destroy(&attributes) }
  pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
  // Room for 128 levels of JSON in a debug build; only what is touched costs memory.
  pthread_attr_setstacksize(&attributes, 1 << 20)
  let box = Unmanaged.passRetained(Box(body))
  var thread = pthread_t()
  let code = pthread_create(
    &thread, &attributes,
    { argument in
      guard let argument else { return nil }
      Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().body()
      return nil
    }, box.toOpaque())
  guard code == 0 else {
    box.release()
    throw SystemError(.createThread, errno: code)
  }
}
