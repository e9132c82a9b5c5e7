internal import ArgumentParser
internal import CommandLineProgram
internal import StrictJSON

/// `delve-webhook delve-json`
struct DelveJSONCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "delve-json",
    abstract: "Print the delve.json that registers this receiver's three hooks with Delve.",
    discussion: """
      The connector that you register by Delve's API needs this file; see the vendor's article on \
      webhooks. The paths are success, failure and export below --base-url.

      Exit code 0: printed.
      """)

  @Option(
    help: ArgumentHelp(
      "Where the hooks are, for example https://hooks.example.com/webhooks/delve.", valueName: "url"
    ))
  var baseURL: String

  func validate() throws {
    guard baseURL.hasPrefix("https://") || baseURL.hasPrefix("http://"),
      baseURL.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != 0x3F && $0 != 0x23 })
    else {
      throw ValidationError(
        "--base-url must begin with https:// or http:// and have no query or fragment.")
    }
  }

  func run() throws { printJSON(delveJSON(baseURL: baseURL)) }
}

/// The members of delve.json, as the vendor's article has them.
func delveJSON(baseURL: String) -> JSONObject {
  let base = baseURL.hasSuffix("/") ? String(baseURL.dropLast()) : baseURL
  let hooks = [
    ("scanSuccessWebhook", "success"), ("scanFailureWebhook", "failure"),
    ("exportCompleteWebhook", "export"),
  ]
  return JSONObject(
    hooks.map { name, path in (name, .object(["url": .string("\(base)/\(path)")])) })
}
