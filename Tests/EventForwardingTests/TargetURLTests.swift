internal import CommandLineProgram
@testable internal import EventForwarding
internal import Testing

struct TargetURLTests {
  private func error(_ text: String) -> CommandError? {
    do throws(CommandError) {
      _ = try TargetURL(text)
      return nil
    } catch {
      return error
    }
  }

  @Test(arguments: [
    ("https://hooks.example.com/x?y=1", "https://hooks.example.com", false),
    ("https://localhost/x", "https://localhost", false),
    ("http://localhost:8080/", "http://localhost:8080", true),
    ("http://127.0.0.1/x", "http://127.0.0.1", true),
    ("http://[::1]:80/x", "http://[::1]:80", true),
  ])
  func urlIsTaken(text: String, origin: String, needsNoProxy: Bool) throws {
    let url = try TargetURL(text)
    #expect(url.text == text)
    #expect(url.origin == origin)
    #expect(url.needsNoProxy == needsNoProxy)
  }

  @Test(arguments: [
    ("http://hooks.example.com/x", "only for localhost"),
    ("http://localhost.example.com/", "only for localhost"),
    ("http://192.0.2.1/", "only for localhost"), ("http://[::2]/", "only for localhost"),
    ("https://user:word@hooks.example.com/", "user and password"),
    ("https://user@hooks.example.com/", "user and password"),
    ("http://user@localhost/", "user and password"), ("ftp://localhost/", "https://"),
    ("https://", "not a URL"), ("https://a b/", "not a URL"),
  ])
  func otherURLIsAUsageError(text: String, word: String) {
    let error = error(text)
    #expect(error?.exitCode == 64)
    #expect(error?.description.contains(word) == true)
    #expect(error?.description.contains("word@") == false)
  }
}
