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
    // What speaks of the content; others speak of quotas, header fields, state or certificates.
    case 413:
      .refused(
        ending, text: text, problem: "answer 413: it takes no request of this size, raise its limit"
      )
    case 400, 409, 422, 451: .refused(ending, text: text)
    default: .putOff(ending, text: text, afterSeconds: retryAfterSeconds, problem: problem)
    }
  }

  /// What is wrong if it is not the event: the target, what leads to it, or our credentials. Nil if
  /// the answer may be about the event alone.
  var problem: String? {
    switch status {
    case 0: text
    case 300..<400: "answer \(status): redirects are not followed, name the new URL"
    case 401, 403, 407: "answer \(status): look at the credentials in --header-file"
    case 404, 405, 410, 411, 415, 421, 426: "answer \(status): look at the URL"
    case 429: "answer 429: it wants fewer requests, raise its limit or lower --jobs"
    case 408, 425, 502, 503, 504: "answer \(status)"
    default: nil
    }
  }

  private var ending: AttemptRecord.Ending {
    status == 0 ? .noAnswer : .answer(String(status))
  }
}
