internal import EventSpool

/// What a server answered to the POST of one event, or why there is no answer.
struct Answer {
  /// Of the final answer; 0 if there was none.
  let status: Int
  /// How long the server asks us to wait (`Retry-After`, RFC 9110 §10.2.3); 0 if it does not.
  let retryAfterSeconds: Int64
  /// The beginning of its content or, without an answer, what went wrong.
  let text: String

  var delivery: Delivery {
    switch status {
    case 200..<300: .delivered
    // What is wrong with our credentials is not the event's fault.
    case 401, 403, 407, 408, 429, 500...:
      .putOff(ending, text: text, afterSeconds: retryAfterSeconds)
    case 400..<500: .refused(ending, text: text)
    // No answer, or a redirect, which is not followed.
    default: .putOff(ending, text: text, afterSeconds: 0)
    }
  }

  /// Why no further event need be tried now; nil if there is no reason.
  var error: TargetError? {
    switch status {
    case 0: .unavailable(text)
    case 300..<400: .unavailable("answer \(status): redirects are not followed, name the new URL")
    case 401, 403, 407: .unavailable("answer \(status): look at the credentials in --header-file")
    case 429, 502, 503, 504: .unavailable("answer \(status)", afterSeconds: retryAfterSeconds)
    default: nil
    }
  }

  private var ending: AttemptRecord.Ending {
    status == 0 ? .noAnswer : .answer(String(status))
  }
}
