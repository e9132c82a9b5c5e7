internal import ArgumentParser
internal import CommandLineProgram
internal import Glibc
internal import WebhookConfiguration
internal import WebhookCore

/// How keys are fetched from an instance, and whether an operator is asked.
struct KeyFetchingOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Certificates of authorities that are trusted for the instance, PEM, in place of the system's.",
      valueName: "file"))
  var caFile: String?

  @Flag(help: "Trust what is new without asking.")
  var yes = false

  private static let maxKeyBytes = 65_536

  /// The keys that an instance serves now, over HTTPS, from every configured key-location.
  /// - Parameter isQuiet: what is asked is not shown.
  func fetchKeys(
    of settings: InstanceSettings, isQuiet: Bool = false
  ) async throws -> [VerificationKey] {
    var keys: [VerificationKey] = []
    for location in settings.xSignature.keyLocations {
      let url = try settings.keyURL(String(decoding: location, as: UTF8.self))
      if !isQuiet { printResult(printable(url)) }
      let request = HTTPRequest(
        url: url, schemes: "https", caFile: caFile, maxAnswerBytes: Self.maxKeyBytes)
      let answer = try await request.send()
      guard answer.status == 200 else {
        throw CommandError.unavailable("\(printable(url)) answered \(answer.status), not 200")
      }
      do throws(KeyFileError) {
        keys += try KeyFile(parsing: answer.body).keys
      } catch {
        throw CommandError.unavailable("\(printable(url)) \(error.explanation)")
      }
    }
    return keys
  }

  /// - Parameter question: without its question mark.
  /// - Returns: false also if there is nobody to ask.
  func isConfirmed(_ question: String) -> Bool {
    do throws(CommandError) {
      return try CommandLineProgram.isConfirmed(question, yes: yes)
    } catch {
      printError("\(programName): \(error)")
      return false
    }
  }
}

extension InstanceSettings {
  /// The location on the instance's host, and on no other.
  fileprivate func keyURL(_ location: String) throws(CommandError) -> String {
    let host = url.dropFirst("https://".count).prefix { $0 != "/" }
    let origin = "https://\(host)"
    if location.hasPrefix("/") { return origin + location }
    guard location.contains("://") else { return "\(origin)/\(location)" }
    guard location.hasPrefix("\(origin)/") else {
      throw .configuration("\(location) is not on the instance's host \(host): fetch it by hand")
    }
    return location
  }
}

/// A line that names a key.
func printKey(_ mark: String, _ key: VerificationKey) {
  printResult("\(mark)  \(key.typeName)  \(key.thumbprint.text)")
}
