internal import CCurl
internal import CommandLineProgram

/// Where events are posted to: an https URL, or an http URL of this very machine. It holds neither
/// user nor password: anybody who lists processes or reads a unit file would see them.
struct TargetURL {
  let text: String
  /// Scheme, host and port: path and query may hold a token.
  let origin: String
  /// http, and so of this very machine: no proxy is asked for it.
  let needsNoProxy: Bool

  init(_ text: String) throws(CommandError) {
    let unreadable = CommandError.usage("--to is not a URL that libcurl understands")
    guard let url = curl_url() else { throw unreadable }
    defer { curl_url_cleanup(url) }
    guard curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK,
      let scheme = part(CURLUPART_SCHEME, of: url), let host = part(CURLUPART_HOST, of: url)
    else { throw unreadable }
    let isLocal = ["localhost", "127.0.0.1", "[::1]"].contains(host)
    guard scheme == "https" || (scheme == "http" && isLocal) else {
      throw .usage("--to must be https://…; http:// is only for localhost")
    }
    guard part(CURLUPART_USER, of: url) == nil, part(CURLUPART_PASSWORD, of: url) == nil else {
      throw .usage(
        "--to must not hold user and password: put an Authorization line into --header-file")
    }
    self.text = text
    let port = part(CURLUPART_PORT, of: url).map { ":\($0)" } ?? ""
    origin = "\(scheme)://\(host)\(port)"
    needsNoProxy = scheme == "http"
  }
}

private func part(_ what: CURLUPart, of url: OpaquePointer) -> String? {
  var text: UnsafeMutablePointer<CChar>?
  guard curl_url_get(url, what, &text, 0) == CURLUE_OK, let text else { return nil }
  defer { curl_free(text) }
  return String(cString: text)
}
