internal import Glibc
package import LinuxSystem

/// Starts a thread that calls `step` about once a second, for as long as the process lives.
/// - Parameter makeStep: called once, in that thread.
package func startEverySecond(
  _ makeStep: @escaping @Sendable () -> () -> Void
) throws(SystemError) {
  try startThread {
    let step = makeStep()
    while true {
      sleep(1)
      step()
    }
  }
}
