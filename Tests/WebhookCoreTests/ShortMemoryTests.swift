internal import COpenSSL
internal import Glibc
internal import TestSupport
internal import Testing
internal import WebhookCore

/// How many allocations libcrypto may still make.
nonisolated(unsafe) private var allocationsLeft = Int.max

struct ShortMemoryTests {
  /// A genuine token may be refused only so that its sender comes again: not as forged.
  @Test(arguments: TestKey.allCases)
  func signatureThatCannotBeCheckedIsNotCalledBad(key: TestKey) async {
    // What libcrypto gets its memory from belongs to the whole process.
    await #expect(processExitsWith: .success) { [name = key.rawValue as String] in
      countAllocations()
      let key = try #require(TestKey(rawValue: name))
      let header = #"{"typ":"JWT","alg":"\#(key.algorithm.rawValue)"}"#
      let value = try authorization(header: header, payload: "{}", by: key)
      let token = try UnverifiedToken(
        compact: Array(value.dropFirst("Signed ".utf8.count)), allowing: [key.algorithm])
      let keys = try key.verificationKeys
      var refusals = 0
      var isVerified = false
      while !isVerified {
        allocationsLeft = refusals
        do throws(Refusal) {
          _ = try token.verified(by: keys)
          isVerified = true
        } catch {
          allocationsLeft = .max
          try #require(error.reason == .outOfMemory, "after \(refusals) allocations")
          refusals += 1
        }
      }
      allocationsLeft = .max
      #expect(refusals > 10)
    }
  }
}

private func countAllocations() {
  let isSet = CRYPTO_set_mem_functions(
    { size, _, _ in
      allocationsLeft -= 1
      return allocationsLeft < 0 ? nil : malloc(size)
    },
    { old, size, _, _ in
      allocationsLeft -= 1
      return allocationsLeft < 0 ? nil : realloc(old, size)
    },
    { old, _, _ in free(old) })
  #expect(isSet == 1, "libcrypto has memory already")
}
