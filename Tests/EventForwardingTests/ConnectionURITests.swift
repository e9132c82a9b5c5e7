internal import CommandLineProgram
@testable internal import EventForwarding
internal import Testing

struct ConnectionURITests {
  private func error(_ text: String) -> CommandError? {
    do throws(CommandError) {
      _ = try ConnectionURI(text)
      return nil
    } catch {
      return error
    }
  }

  @Test(arguments: [
    ("postgresql://", "postgresql:///"),
    ("postgresql://user@db.example:5433/events", "postgresql://db.example:5433/events"),
    (
      "postgres:///events?host=/run/postgresql&sslmode=verify-full",
      "postgresql:///run/postgresql/events"
    ),
    (
      "postgresql://one.example,two.example/events?passfile=/etc/pgpass",
      "postgresql://one.example,two.example/events"
    ),
  ])
  func uriIsTaken(text: String, name: String) throws {
    let uri = try ConnectionURI(text)
    #expect(uri.text == text)
    #expect(uri.name == name)
  }

  @Test(arguments: [
    "postgresql://user:word@db.example/events", "postgresql:///events?password=word",
    "postgresql:///events?sslpassword=word", "postgresql://user:%77ord@db.example/",
  ])
  func passwordIsRefusedAndNotRepeated(text: String) {
    let error = error(text)
    #expect(error?.exitCode == 64)
    #expect(error?.description.contains("must not hold a password") == true)
    #expect(error?.description.contains("word@") == false)
  }

  @Test(arguments: ["postgresql://[", "postgresql:///?unknown=1", "postgresql://%zz"])
  func textThatLibpqDoesNotUnderstandIsRefused(text: String) {
    #expect(error(text)?.description.contains("not a connection URI") == true)
  }
}
