internal import CCurl
internal import EventSpool
internal import Glibc
internal import WebhookCore

/// The POST of one event (libcurl). Stays where it is in memory until it has ended.
final class Transfer {
  struct Settings {
    let url: TargetURL
    let caFile: CertificateFile?
    let timeLimitSeconds: Int
  }

  /// An answer that goes on for longer is cut off.
  private static let maximumAnswerBytes = 65_536
  private static let longestConnectSeconds = 10

  let index: Int
  let easy: UnsafeMutableRawPointer
  private let body: UnsafeMutableRawBufferPointer
  private let errorText: UnsafeMutablePointer<CChar>
  private var received = 0
  private var answerText: [UInt8] = []

  /// - Parameters:
  ///   - index: the event's place in its batch.
  ///   - fields: must live until the transfer has ended.
  init?(_ event: OutgoingEvent, at index: Int, _ settings: Settings, fields: HeaderFields) {
    guard let easy = curl_easy_init() else { return nil }
    self.index = index
    self.easy = easy
    body = .allocate(byteCount: event.json.count, alignment: 1)
    body.copyBytes(from: event.json)
    errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
    errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    guard configure(settings, fields) else { return nil }
  }

  deinit {
    curl_easy_cleanup(easy)
    body.deallocate()
    errorText.deallocate()
  }

  /// - Returns: false if this libcurl does not know what we rely on.
  private func configure(_ settings: Settings, _ fields: HeaderFields) -> Bool {
    let context = Unmanaged.passUnretained(self).toOpaque()
    var codes = [
      ccurl_set_string(easy, CURLOPT_URL, settings.url.text),
      // Nothing of a redirect or of a proxy's answer may lead elsewhere.
      ccurl_set_string(easy, CURLOPT_PROTOCOLS_STR, "http,https"),
      ccurl_set_number(easy, CURLOPT_FOLLOWLOCATION, 0),
      ccurl_set_number(easy, CURLOPT_SSL_VERIFYPEER, 1),
      ccurl_set_number(easy, CURLOPT_SSL_VERIFYHOST, 2),
      ccurl_set_number(easy, CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2)),
      ccurl_set_number(easy, CURLOPT_TIMEOUT, settings.timeLimitSeconds),
      ccurl_set_number(
        easy, CURLOPT_CONNECTTIMEOUT,
        min(settings.timeLimitSeconds, Self.longestConnectSeconds)),
      ccurl_set_number(easy, CURLOPT_NOSIGNAL, 1),
      // A name that is being looked up holds nobody up in the end.
      ccurl_set_number(easy, CURLOPT_QUICK_EXIT, 1),
      ccurl_set_string(easy, CURLOPT_USERAGENT, "delve-webhook-forward/\(programVersion)"),
      ccurl_set_pointer(easy, CURLOPT_HTTPHEADER, fields.list),
      ccurl_set_pointer(easy, CURLOPT_POSTFIELDS, body.baseAddress),
      ccurl_set_size(easy, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(body.count)),
      ccurl_set_pointer(easy, CURLOPT_ERRORBUFFER, errorText),
      ccurl_set_pointer(easy, CURLOPT_WRITEDATA, context),
      ccurl_set_write_function(easy) { bytes, _, count, context in
        guard let bytes, let context else { return 0 }
        let transfer = Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
        return transfer.receive(UnsafeRawBufferPointer(start: bytes, count: count)) ? count : 0
      },
    ]
    if settings.url.needsNoProxy { codes.append(ccurl_set_string(easy, CURLOPT_NOPROXY, "*")) }
    if let file = settings.caFile {
      codes.append(ccurl_set_string(easy, CURLOPT_CAINFO, file.path))
    }
    return codes.allSatisfy { $0 == CURLE_OK }
  }

  private func receive(_ bytes: UnsafeRawBufferPointer) -> Bool {
    received += bytes.count
    answerText += bytes.prefix(AttemptRecord.maximumOutputBytes - answerText.count)
    return received <= Self.maximumAnswerBytes
  }

  /// What came of it. A status is an answer, whatever becomes of the content behind it.
  func answer(_ code: CURLcode) -> Answer {
    let status = ccurl_status(easy)
    guard status >= 200 else {
      let detail = ProxyVariable.withoutAddress(String(cString: errorText))
      let text = oneLine(detail.isEmpty ? String(cString: curl_easy_strerror(code)) : detail)
      let remedy =
        code == CURLE_PEER_FAILED_VERIFICATION
        ? ": --ca-file names the certificate of an authority of your own" : ""
      return Answer(status: 0, retryAfterSeconds: 0, text: text + remedy)
    }
    return Answer(
      status: status, retryAfterSeconds: max(0, Int64(ccurl_retry_after(easy))),
      text: String(decoding: answerText, as: UTF8.self))
  }
}

/// Header fields as libcurl wants them.
final class HeaderFields {
  private(set) var list: UnsafeMutablePointer<curl_slist>?

  /// - Returns: nil if memory is short.
  init?(_ fields: [String]) {
    for field in fields {
      guard let longer = curl_slist_append(list, field) else { return nil }
      list = longer
    }
  }

  deinit { curl_slist_free_all(list) }
}
