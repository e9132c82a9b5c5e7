extension Refusal {
  /// What an operator can do about it; nil where it is the sender's affair alone.
  package var remedy: String? {
    switch reason {
    case .misconfigured:
      "look at the parameters that the web server's configuration sets for this location"
    case .method:
      nil
    case .bodyTooLarge:
      "raise max-body-bytes if such bodies are to be taken"
    case .tokenTooLarge:
      "raise max-token-bytes, and the web server's header limit, if such tokens are to be taken"
    case .missingAuthorization:
      "under Apache, CGIPassAuth On must stand in the location; else the sender did not sign"
    case .missingXSignature:
      "set x-signature to check if this sender leaves the header out"
    case .algorithmNotAllowed:
      "compare the sender's algorithm with algorithms and with the types of the keys"
    case .xSignatureMismatch:
      "compare what the sender names with key-location and algorithms"
    case .badSignature:
      "if the instance has a new key, add it to keys; else someone forged a delivery"
    case .stale, .future:
      "check that the clocks are right; after an outage max-age-seconds may be raised"
    case .audience:
      "add the audience of this receiver to audience"
    case .wrongHook:
      "the sender calls the location of another hook: compare its connector with the locations"
    case .spoolFull:
      "free space or inodes in the spool's file system"
    case .spoolReadOnly:
      "mount the spool's file system writable"
    case .spoolPermission:
      "give the spool to the user that the responder runs as"
    case .spoolDescriptors:
      "raise the limit on open files (LimitNOFILE)"
    case .spoolIO, .spoolClosed:
      "look at the disk and the kernel's log"
    case .malformedBody, .malformedAuthorization, .malformedXSignature, .malformedToken,
      .malformedHeader, .malformedPayload, .malformedClaims, .expired, .notYetValid, .bodyMismatch:
      nil
    }
  }
}
