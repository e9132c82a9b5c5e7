/// In the place of the command line's own, which would need the parser of arguments here.
package struct CommandError: Error {
  package let description: String

  package static func usage(_ message: String) -> CommandError {
    CommandError(description: message)
  }

  package static func noInput(_ message: String) -> CommandError {
    CommandError(description: message)
  }
}
