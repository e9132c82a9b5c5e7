package import Glibc

/// The name of a user (getpwuid_r(3)); the number, if it has none or the look-up fails.
package func userName(_ id: uid_t) -> String {
  var entry = passwd()
  var found: UnsafeMutablePointer<passwd>?
  return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 16_384) { buffer in
    guard let bytes = buffer.baseAddress,
      getpwuid_r(id, &entry, bytes, buffer.count, &found) == 0, found != nil,
      let name = entry.pw_name
    else { return "\(id)" }
    return String(cString: name)
  }
}
