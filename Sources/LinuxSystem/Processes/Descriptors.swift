internal import Glibc

/// Raises the soft limit on open files to the hard one.
/// - Returns: the limit in force; 0 if it cannot be told.
package func raisedDescriptorLimit() -> Int {
  let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
  var limit = rlimit()
  guard getrlimit(resource, &limit) == 0 else { return 0 }
  limit.rlim_cur = limit.rlim_max
  _ = setrlimit(resource, &limit)
  guard getrlimit(resource, &limit) == 0 else { return 0 }
  return Int(clamping: limit.rlim_cur)
}

/// To be called first in every program. A write whose reader has gone, or that is over a limit on
/// the size of files, is an error from here on, and not the end.
package func prepareProcess() {
  openStandardDescriptors()
  signal(SIGPIPE, SIG_IGN)
  signal(SIGXFSZ, SIG_IGN)
}

/// Opens descriptors 0, 1 and 2 if they are closed: else the next file would take their place, and
/// a line of the log could land in an event.
private func openStandardDescriptors() {
  for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) < 0 {
    _ = open("/dev/null", O_RDWR)
  }
}
