internal import Foundation
internal import Glibc
internal import TestSupport

/// A spool with events of one shape, and the command line to work on it.
struct SpoolSite: Sendable {
  let folder: TemporaryFolder
  let program = Repository.executable("delve-webhook")
  private let firstDay = dayNow()

  init() throws {
    folder = try TemporaryFolder()
    try folder.makeFolder("spool/acme")
    try folder.write("1\n".utf8, to: "spool/acme/format")
    try folder.write(exampleConfiguration().utf8, to: "config.yaml")
  }

  var path: String { folder.path }
  func text(_ name: String) -> String { folder.text(of: name) }
  func files(_ name: String) -> [String] { folder.files(below: name) }

  /// Every event's path, relative to the spool.
  var events: [String] {
    files("spool").filter { $0.hasSuffix(".json") && !$0.contains("/ids/") }
  }

  /// The day that events were finished on: if midnight has passed since, the one before.
  var today: String {
    FileManager.default.fileExists(atPath: "\(path)/spool/acme/done/\(firstDay)")
      ? firstDay : dayNow()
  }

  /// The id of the event with this number.
  func id(_ number: Int) -> String {
    let digits = String(number, radix: 16)
    return String(repeating: "0", count: 26 - digits.count) + digits
      + String(repeating: "a", count: 38)
  }

  /// Adds unsigned events to `new`.
  /// - Parameter issuedApart: the seconds between one `iat` and the next.
  /// - Returns: the file names, in the order of the events.
  @discardableResult
  func addEvents(
    _ count: Int, from first: Int = 0, issuedFrom: Int = 1_790_000_000, issuedApart: Int = 0,
    instance: String = "acme"
  ) throws -> [String] {
    try (first..<first + count).map { number in
      let seconds = issuedFrom + number * issuedApart
      let time = Date(timeIntervalSince1970: Double(seconds)).formatted(.iso8601)
      let basic = time.filter { $0 != "-" && $0 != ":" }
      let name = "\(basic)-export-done-\(number)-\(id(number).prefix(32)).json"
      let line =
        #"{"specversion":"1.0","id":"\#(id(number))","source":"https://x#\#(instance)","#
        + #""type":"com.delvesecurity.export.done","subject":"export/\#(number)","time":"\#(time)","#
        + #""data":{"id":"\#(number)","kind":"export","status":"done","iat":\#(seconds)},"#
        + #""recordedtime":"\#(time)","instance":"\#(instance)","requesturi":"/hooks/x","#
        + #""remoteaddr":"192.0.2.1","eventkey":"\#(id(number))","keyid":"k","#
        + #""xsignature":"ES512 /api/webhook.key","jws":"a.b.c"}"# + "\n"
      // The file gets its name only when it is whole, as from a publisher.
      let draft = try folder.write(line.utf8, to: "spool/\(instance)/draft")
      try folder.makeFolder("spool/\(instance)/new")
      try folder.write("1\n".utf8, to: "spool/\(instance)/format")
      Glibc.rename(draft, "\(path)/spool/\(instance)/new/\(name)")
      return name
    }
  }

  /// Makes an event in `defer` due now, or only in an hour, which is as long as it can be put off.
  func makeDue(_ name: String, isNow: Bool = true) throws {
    let state = "spool/acme/defer/\(name).state"
    guard files("spool/acme/defer").contains("\(name).state") else { return }
    let time = Date.now.addingTimeInterval(isNow ? -86_400 : 3_600).formatted(.iso8601)
    let text = text(state).replacing(/"nextattempt":"[^"]*"/, with: #""nextattempt":"\#(time)""#)
    try folder.write(text.utf8, to: state)
  }

  // MARK: Commands

  private var environment: [String: String] { ["DELVE_WEBHOOK_CONFIG": "\(path)/config.yaml"] }

  func delveWebhook(_ arguments: String...) async throws -> CommandResult {
    try await delveWebhook(arguments)
  }

  func delveWebhook(_ arguments: [String], input: String = "") async throws -> CommandResult {
    try await command(program, arguments, environment: environment, input: input)
  }

  func shell(
    _ script: String, environment more: [String: String] = [:]
  ) async throws -> CommandResult {
    try await command("sh", ["-c", script], environment: environment.merging(more) { $1 })
  }

  /// The same with a clock that is wrong by so much, as in `+1y`. The program faketime(1) itself does
  /// not start many times at once.
  func shell(_ script: String, clock offset: String) async throws -> CommandResult {
    try await shell(
      "export LD_PRELOAD=$(echo /usr/lib/*/faketime/libfaketime.so.1) && exec \(script)",
      environment: ["FAKETIME": offset, "FAKETIME_DONT_FAKE_MONOTONIC": "1"])
  }

  /// Runs `spool run` to its end, with a shell script as its command.
  func run(_ script: String, _ options: [String] = []) async throws -> CommandResult {
    try await delveWebhook(["spool", "run"] + options + ["--", "sh", "-c", script])
  }

  /// Starts `spool …` beside the test, with its output in `runner.log`.
  func start(_ arguments: String...) throws -> SpawnedProcess {
    try SpawnedProcess(
      "env", ["DELVE_WEBHOOK_CONFIG=\(path)/config.yaml", program, "spool"] + arguments,
      log: "\(path)/runner.log")
  }
}

/// By the clock, UTC.
private func dayNow() -> String {
  var now = time(nil)
  var parts = tm()
  gmtime_r(&now, &parts)
  func two(_ value: Int32) -> String { value < 10 ? "0\(value)" : "\(value)" }
  return "\(parts.tm_year + 1_900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
}
