internal import Glibc

/// The soft limit on open files that the process was started with. It is read once, before it is
/// raised.
let startingDescriptorLimit = UInt64(descriptorLimit()?.rlim_cur ?? 1_024)

/// Raises the soft limit on open files to the hard one. A `ChildProcess` gets the limit from before:
/// programs that use select(2) or close every possible descriptor depend on it.
/// - Returns: the limit in force; 0 if it cannot be told.
package func raisedDescriptorLimit() -> Int {
  _ = startingDescriptorLimit
  guard var limit = descriptorLimit() else { return 0 }
  limit.rlim_cur = limit.rlim_max
  _ = setrlimit(descriptorResource, &limit)
  return descriptorLimit().map { Int(clamping: $0.rlim_cur) } ?? 0
}

private let descriptorResource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)

private func descriptorLimit() -> rlimit? {
  var limit = rlimit()
  return getrlimit(descriptorResource, &limit) == 0 ? limit : nil
}

/// To be called first in every program. A write whose reader has gone, or that is over a limit on
/// the size of files, is an error from here on, and not the end.
package func prepareProcess() {
  openStandardDescriptors()
  signal(SIGPIPE, SIG_IGN)
  signal(SIGXFSZ, SIG_IGN)
}

/// Opens descriptors 0, 1 and 2 if they are closed: else the next file would take their place, and
/// a line of the log could land in an event. What is written to standard output still fails, so that
/// a result that nobody gets is no success.
private func openStandardDescriptors() {
  for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) < 0 {
    _ = open("/dev/null", descriptor == STDOUT_FILENO ? O_RDONLY : O_RDWR)
  }
}
