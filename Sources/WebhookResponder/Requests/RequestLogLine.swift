internal import LinuxSystem
internal import ServiceProcess
internal import WebhookCore

extension LogLine {
  /// The one line that a request leaves in the log.
  /// - Parameter isSlow: the times of its steps stand in it, and it is a warning at least.
  init(_ request: DecidedRequest, isSlow: Bool) {
    let outcome = request.outcome
    let level = Self.level(of: outcome.status)
    self.init(isSlow && level.rawValue > Level.warning.rawValue ? .warning : level)
    add("code", .text(outcome.codeWord))
    add("status", .number(outcome.status.rawValue))
    if let instance = request.instance { add("instance", .text(instance.description)) }
    if let hook = request.hook { add("hook", .text(hook.rawValue)) }
    switch outcome {
    case .stored(let event), .duplicate(let event):
      add("id", .text(event.id.hex))
      add("subject", .text(event.subject))
    case .healthy, .shown, .refused: break
    }
    add("remote", .text(request.remoteAddress))
    add("us", .number(request.times.serving))
    if isSlow { add(request.times) }
    if case .refused(let refusal) = outcome { add(refusal) }
    if let name = request.keptAs { add("kept", .text(name)) }
  }

  private mutating func add(_ times: RequestTimes) {
    add("slow-us", .number(times.all))
    add("receiving-us", .number(times.receiving))
    add("waiting-us", .number(times.waiting))
    add("deciding-us", .number(times.deciding))
    if let publishing = times.publishing { add("publishing-us", .number(publishing)) }
  }

  private static func level(of status: HTTPStatus) -> Level {
    switch status.rawValue {
    case ..<300: .info
    case 401: .warning
    case ..<500: .notice
    default: .error
    }
  }

  /// What is known besides the code word, and what can be done.
  mutating func add(_ refusal: Refusal) {
    switch refusal.detail {
    case .seconds(let seconds): add("by-seconds", .number(seconds))
    case .limit(let bytes): add("limit-bytes", .number(bytes))
    case .allowed(let methods): add("allowed", .text(methods.rawValue))
    case .parameter(let parameter, let problem):
      add("parameter", .text(parameter.rawValue))
      add("problem", .text(problem.rawValue))
    case .systemCall(let call, let path, let code):
      add("call", .text(call))
      add("path", .text(path))
      add("error", .text(errorText(code)))
    case .path(let path): add("path", .text(path))
    case nil: break
    }
    if let remedy = refusal.remedy { add("hint", .text(remedy)) }
  }
}
