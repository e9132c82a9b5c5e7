internal import CommandLineProgram
internal import Glibc
internal import LinuxSystem
internal import OpenSSLCrypto
internal import WebhookCore

/// The certificates of authorities that are trusted for https, PEM (RFC 7468 §5). libcurl reads the
/// file each time it connects; whether it can use it is known before.
struct CertificateFile {
  private static let maximumBytes = 1 << 24

  let path: String

  init(_ path: String) throws(CommandError) {
    func refusal(_ problem: String) -> CommandError {
      .configuration("--ca-file: \(printable(path)) \(problem)")
    }
    var status = stat()
    if stat(path, &status) == 0 {
      guard status.st_mode & S_IFMT == S_IFREG else {
        throw refusal("is no plain file, which can be read again")
      }
      guard status.st_size <= Self.maximumBytes else {
        throw refusal("is longer than \(Self.maximumBytes) bytes")
      }
    }
    let bytes: [UInt8]
    do throws(SystemError) {
      bytes = try contents(ofFile: path, maxBytes: Self.maximumBytes)
    } catch {
      throw .configuration("--ca-file: \(printable(path)): \(error.reason)")
    }
    guard let count = certificateCount(inPEM: bytes) else {
      throw refusal("holds a damaged certificate")
    }
    guard count > 0 else { throw refusal("holds no certificate in PEM form") }
    self.path = path
  }
}
