internal import COpenSSL

/// How many certificates there are in `text` (PEM, RFC 7468 §5.1); nil if one of them is damaged.
package func certificateCount(inPEM text: [UInt8]) -> Int? {
  defer { ERR_clear_error() }
  // The BIO keeps the pointer, so everything is done while it is valid.
  return text.withUnsafeBytes { bytes in
    guard let length = Int32(exactly: bytes.count),
      let bio = BIO_new_mem_buf(bytes.baseAddress, length)
    else { return nil }
    defer { BIO_free(bio) }
    var count = 0
    while let certificate = PEM_read_bio_X509_AUX(bio, nil, nil, nil) {
      X509_free(certificate)
      count += 1
    }
    // At the end, there is no further beginning.
    return ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE ? count : nil
  }
}
