internal import EventSpool
internal import Glibc

extension SystemError {
  /// For an operator: path, call and reason.
  var message: String { "\(path): \(call): \(String(cString: strerror(errno)))" }
}
