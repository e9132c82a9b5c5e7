internal import COpenSSL

/// The bytes inside the one `PUBLIC KEY` block of `text`.
func singlePublicKeyBlock(in text: [UInt8]) throws(PublicKeyError) -> [UInt8] {
  guard text.contains(where: { !isWhiteSpace($0) }) else { throw .emptyPEM }
  let block = try firstBlock(in: text)
  switch block.label {
  case "PUBLIC KEY": break
  case "CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE": throw .certificate
  case "RSA PUBLIC KEY": throw .pkcs1
  case let label where label.hasSuffix("PRIVATE KEY"): throw .privateKey
  default: throw .otherLabel
  }
  guard block.rest.allSatisfy(isWhiteSpace) else {
    // The second of two keys must not vanish in silence.
    throw contains("-----BEGIN", in: block.rest) ? .moreThanOneBlock : .textBehindBlock
  }
  return block.contents
}

private struct PEMBlock {
  let label: String
  let contents: [UInt8]
  /// What stands behind the block's last line.
  let rest: ArraySlice<UInt8>
}

/// Reads the first block with OpenSSL's reader.
private func firstBlock(in text: [UInt8]) throws(PublicKeyError) -> PEMBlock {
  defer { ERR_clear_error() }
  // The BIO keeps the pointer, so everything is done while it is valid.
  let result = text.withUnsafeBytes { bytes -> Result<PEMBlock, PublicKeyError> in
    guard let length = Int32(exactly: bytes.count),
      let bio = BIO_new_mem_buf(bytes.baseAddress, length)
    else { return .failure(.outOfMemory) }
    defer { BIO_free(bio) }
    var label: UnsafeMutablePointer<CChar>?
    var header: UnsafeMutablePointer<CChar>?
    var contents: UnsafeMutablePointer<UInt8>?
    var count = 0
    guard PEM_read_bio(bio, &label, &header, &contents, &count) == 1,
      let label, let header, let contents
    else { return .failure(contains("-----BEGIN", in: text[...]) ? .malformedPEM : .notPEM) }
    defer {
      for pointer in [UnsafeMutableRawPointer(label), .init(header), .init(contents)] {
        CRYPTO_free(pointer, #file, #line)
      }
    }
    let rest = text.suffix(BIO_ctrl_pending(bio))
    return .success(
      PEMBlock(
        label: String(cString: label),
        contents: Array(UnsafeBufferPointer(start: contents, count: count)),
        rest: rest))
  }
  return try result.get()
}

private func contains(_ pattern: String, in text: ArraySlice<UInt8>) -> Bool {
  text.indices.contains { text[$0...].starts(with: pattern.utf8) }
}

private func isWhiteSpace(_ byte: UInt8) -> Bool {
  byte == 0x20 || (0x09...0x0D).contains(byte)
}
