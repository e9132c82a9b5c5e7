package import EventSpool
internal import Glibc
internal import WebhookCore

extension SystemError {
  /// For an operator: path, call and reason.
  package var message: String { "\(printable(path)): \(call): \(String(cString: strerror(errno)))" }
}
