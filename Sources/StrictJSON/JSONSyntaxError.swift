/// Why a text is not strict JSON, and at which byte. Carries no byte of the text.
package struct JSONSyntaxError: Error, Equatable, Sendable {
  package enum Problem: String, Sendable {
    case invalidUTF8 = "the text is not UTF-8"
    case unexpectedEnd = "the text ends too early"
    case unexpectedByte = "a byte that does not belong here"
    case trailingBytes = "bytes behind the value"
    case tooDeep = "too many levels of arrays and objects"
    case duplicateMember = "a member's name stands twice in one object"
    case controlCharacter = "a control character that is not escaped"
    case invalidEscape = "an escape that JSON does not have"
    case loneSurrogate = "half of a surrogate pair"
  }

  package let problem: Problem
  /// Counted from 0.
  package let offset: Int
}
