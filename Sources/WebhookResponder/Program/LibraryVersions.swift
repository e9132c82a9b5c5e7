internal import CFastCGI
internal import EventSpool
internal import LinuxSystem
internal import OpenSSLCrypto
internal import WebhookConfiguration
internal import WebhookCore

/// The text that `delve-webhook-fcgi --version` prints.
func responderVersionText() -> String {
  versionText(
    of: "delve-webhook-fcgi", commit: buildCommit,
    libraries: [openSSLVersion, fastCGILibrary(), yamlVersion],
    spoolFormat: SpoolLayout.formatNumber)
}

/// libfcgi does not tell its version: the file that is in use, and what the program was built with.
private func fastCGILibrary() -> String {
  let built = String(cString: cfastcgi_build_version())
  let function = unsafeBitCast(
    FCGX_Init as @convention(c) () -> Int32, to: UnsafeRawPointer.self)
  let file = libraryFile(of: function).map { " \($0)" } ?? ""
  return "libfcgi\(file) (built with \(built))"
}
