internal import CommandLineProgram
internal import LinuxSystem

/// The certificates of authorities that are trusted for https, PEM (RFC 7468 §5). libcurl reads the
/// file when it connects; whether there is anything in it is known before.
struct CertificateFile {
  private static let maximumBytes = 1 << 24
  /// As OpenSSL writes it, too.
  private static let beginnings = [
    "-----BEGIN CERTIFICATE-----", "-----BEGIN TRUSTED CERTIFICATE-----",
  ]

  let path: String

  init(_ path: String) throws(CommandError) {
    let bytes: [UInt8]
    do throws(SystemError) {
      bytes = try contents(ofFile: path, maxBytes: Self.maximumBytes)
    } catch {
      throw .configuration("--ca-file: \(path): \(error.reason)")
    }
    guard
      bytes.split(separator: UInt8(ascii: "\n")).contains(where: { line in
        Self.beginnings.contains { line.starts(with: $0.utf8) }
      })
    else { throw .configuration("--ca-file: \(path) holds no certificate in PEM form") }
    self.path = path
  }
}
