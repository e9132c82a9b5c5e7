internal import CCurl
internal import CommandLineProgram
internal import LinuxSystem

/// The proxy that libcurl takes for https from the environment (curl(1), ENVIRONMENT). Its address may
/// hold a password, so it is never shown.
enum ProxyVariable {
  /// The first that is set is the one that counts.
  private static let names = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]
  private static let exceptions = ["no_proxy", "NO_PROXY"]
  private static let schemes = ["http", "https", "socks4", "socks4a", "socks5", "socks5h"]

  /// How libcurl's own texts begin that quote the address.
  private static let quotingText = "Unsupported proxy"

  /// - Throws: if libcurl could never use it.
  static func check(_ environment: Environment) throws(CommandError) {
    func value(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
    // Whether it is asked at all, libcurl decides.
    guard !exceptions.contains(where: { value($0) != nil }),
      let name = names.first(where: { value($0) != nil }), let address = value(name)
    else { return }
    guard let url = curl_url() else { return }
    defer { curl_url_cleanup(url) }
    let flags = UInt32(CURLU_NON_SUPPORT_SCHEME | CURLU_GUESS_SCHEME)
    var scheme: UnsafeMutablePointer<CChar>?
    defer { curl_free(scheme) }
    guard curl_url_set(url, CURLUPART_URL, address, flags) == CURLUE_OK,
      curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK, let scheme,
      schemes.contains(String(cString: scheme).lowercased())
    else {
      throw .configuration(
        "\(name) is not the address of a proxy that libcurl can use; write #, / and blanks of a "
          + "password as %23, %2F and %20")
    }
  }

  /// A text of libcurl's without the proxy's address.
  static func withoutAddress(_ text: String) -> String {
    text.hasPrefix(quotingText) ? "the proxy that the environment names cannot be used" : text
  }
}
