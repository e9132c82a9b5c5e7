package import WebhookCore

internal import Glibc

/// Why the spool did not take an event. Nothing was promised.
package enum SpoolFailure: Error, Equatable, Sendable {
  case call(SystemError)
  /// A sync failed earlier, and no probe has succeeded since.
  case closed
  case belowMinimum(bytes: Int)
  case noInodes

  package var refusal: Refusal {
    switch self {
    case .call(let error):
      Refusal(
        error.reason, .systemCall(error.call, path: error.path, errno: error.errno))
    case .closed: Refusal(.spoolClosed)
    case .belowMinimum(let bytes): Refusal(.spoolFull, .limit(bytes: bytes))
    case .noInodes: Refusal(.spoolFull)
    }
  }
}

extension SystemError {
  fileprivate var reason: Refusal.Reason {
    switch errno {
    case ENOSPC, EDQUOT: .spoolFull
    case EROFS: .spoolReadOnly
    case EACCES, EPERM: .spoolPermission
    case EMFILE, ENFILE: .spoolDescriptors
    default: .spoolIO
    }
  }
}
