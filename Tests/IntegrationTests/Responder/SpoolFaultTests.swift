internal import Foundation
internal import Glibc
internal import StrictJSON
internal import TestSupport
internal import Testing

/// Real faults: killed processes, full and read-only file systems, many writers, clocks that jump.
@Suite(.serialized, .noHang)
struct SpoolFaultTests {
  /// Whether this test may mount a file system of its own.
  private static let canMount = mountIsAllowed()

  private func text(_ response: FastCGIClient.Response) -> String { response.text }

  /// The id of a stored event, from the answer.
  private func storedID(_ response: FastCGIClient.Response) throws -> String {
    strings(try JSONValue(parsing: response.body).object?["id"]).first ?? ""
  }

  /// The ids of all events in the spool. A file that is not a whole event is an issue.
  private func wholeEvents(in folder: TemporaryFolder) throws -> Set<String> {
    var ids: Set<String> = []
    for name in folder.files(below: "spool") where name.contains("/new/") {
      let line = try fileBytes("\(folder.path)/spool/\(name)")
      let event = try #require(try? JSONValue(parsing: line).object, "\(name) is not whole")
      ids.insert(strings(event["id"])[0])
    }
    return ids
  }

  // MARK: Killed under load

  @Test func everyAnsweredEventIsThereAfterAKillUnderLoad() async throws {
    let folder = try TemporaryFolder()
    var answered: Set<String> = []
    for round in 0..<12 {
      let (ids, exitCode) = try await withResponder(in: folder) { responder in
        try await withThrowingTaskGroup(of: [String].self) { group in
          let before = responder.storedEvents.count
          for task in 0..<4 {
            group.addTask { try await deliverUntilGone(responder, prefix: "\(round)-\(task)") }
          }
          // Each of the four stores several, however slow the machine is.
          #expect(try await eventually { responder.storedEvents.count > before + 8 })
          try await Task.sleep(for: .milliseconds(Int.random(in: 20...250)))
          responder.process.send(signal: SIGKILL)
          return try await group.reduce(into: []) { $0 += $1 }
        }
      }
      #expect(exitCode == -SIGKILL)
      answered.formUnion(ids)
    }
    #expect(answered.count > 12)
    let stored = try wholeEvents(in: folder)
    #expect(answered.subtracting(stored) == [])
  }

  /// - Returns: the ids of all deliveries that were answered with 202.
  private func deliverUntilGone(
    _ responder: ResponderUnderTest, prefix: String
  ) async throws -> [String] {
    var ids: [String] = []
    for index in 0..<10_000 {
      let token = try nowAuthorization(id: "\(prefix)-\(index)")
      if let response = try? responder.deliver(authorization: token) {
        if response.status == 202 { ids.append(try storedID(response)) }
      } else if responder.process.hasEnded {
        break
      }
      await Task.yield()
    }
    return ids
  }

  // MARK: File systems

  /// Runs a responder whose spool is a file system of its own, of one MiB.
  private func withSmallFileSystem(
    _ body:
      @Sendable (ResponderUnderTest, _ remount: (String) async throws -> Void) async throws
      -> Void
  ) async throws {
    let folder = try TemporaryFolder()
    let spool = try folder.makeFolder("spool")
    let mounted = try await command("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", spool])
    #expect(mounted.exitCode == 0, "\(mounted.errorOutput)")
    do {
      try await withResponder(in: folder) { responder in
        try await body(responder) { options in
          let result = try await command("mount", ["-o", "remount,\(options)", spool])
          #expect(result.exitCode == 0, "\(result.errorOutput)")
        }
      }
    } catch {
      _ = try await command("umount", ["-l", spool])
      throw error
    }
    _ = try await command("umount", ["-l", spool])
  }

  @Test(.enabled(if: canMount, "needs the right to mount"))
  func fullFileSystemRefusesNewEventsFindsDuplicatesAndRecovers() async throws {
    try await withSmallFileSystem { responder, _ in
      let filler = "\(responder.folder.path)/spool/filler"
      let first = try nowAuthorization(id: "first")
      #expect(try responder.deliver(authorization: first).status == 202)
      _ = try await command("dd", ["if=/dev/zero", "of=\(filler)", "bs=4096"])
      let refused = try responder.deliver(authorization: try nowAuthorization(id: "second"))
      #expect(refused.status == 503)
      #expect(text(refused).contains("spool-full"))
      #expect(try await responder.logs("code=spool-full status=503"))
      #expect(try responder.deliver(authorization: first).status == 200)
      #expect(try wholeEvents(in: responder.folder).count == 1)
      #expect(responder.healthStatus() == 503)
      // A responder that starts now also finds duplicates, and reports only that the disk is full.
      responder.process.send(signal: SIGTERM)
      #expect(try await eventually { responder.healthStatus() == nil })
      try await withResponder(in: responder.folder) { (second) async throws in
        #expect(try second.deliver(authorization: first).status == 200)
        #expect(second.healthStatus() == 503)
        #expect(unlink(filler) == 0)
        let again = try second.deliver(authorization: try nowAuthorization(id: "second"))
        #expect(again.status == 202)
      }
    }
  }

  @Test(.enabled(if: canMount, "needs the right to mount"))
  func readOnlyFileSystemRefusesAndRecovers() async throws {
    try await withSmallFileSystem { responder, remount in
      try await remount("ro")
      let refused = try responder.deliver(authorization: try nowAuthorization())
      #expect(refused.status == 503)
      #expect(text(refused).contains("spool-read-only"))
      #expect(responder.healthStatus() == 503)
      try await remount("rw")
      #expect(try responder.deliver(authorization: try nowAuthorization()).status == 202)
      #expect(responder.healthStatus() == 200)
    }
  }

  // MARK: Many writers

  @Test func sameTokenOnManyConnectionsOfTwoProcessesIsStoredOnce() async throws {
    try await withResponder { first in
      let second = try TemporaryFolder()
      let spool = "\(first.folder.path)/spool"
      let configuration = exampleConfiguration().replacing("spool: spool", with: "spool: \(spool)")
      try await withResponder(configuration: configuration, in: second) { second in
        let token = try nowAuthorization()
        let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
          for index in 0..<64 {
            let responder = index % 2 == 0 ? first : second
            group.addTask { try responder.deliver(authorization: token).status }
          }
          return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(statuses.count { $0 == 202 } == 1)
        #expect(statuses.count { $0 == 200 } == 63)
        #expect(first.storedEvents.count == 1)
      }
    }
  }

  // MARK: Odd starts

  @Test func closedStandardDescriptorsLetNoLogLineIntoAnEvent() async throws {
    let folder = try TemporaryFolder()
    try folder.makeFolder("spool")
    let config = try folder.write(exampleConfiguration().utf8, to: "config.yaml")
    let program = Repository.executable("delve-webhook-fcgi")
    let script = #"exec "$0" --listen "unix:$1" --config "$2" <&- >&- 2>&-"#
    _ = try await withProcess(
      "sh", ["-c", script, program, "\(folder.path)/s", config], log: "\(folder.path)/log"
    ) { (process) async throws in
      let responder = ResponderUnderTest(folder: folder, process: process)
      #expect(try await eventually { responder.healthStatus() == 200 })
      for id in ["1", "2", "3"] {
        #expect(try responder.deliver(authorization: nowAuthorization(id: id)).status == 202)
        #expect(try responder.deliver(authorization: nil).status == 401)
      }
    }
    #expect(try wholeEvents(in: folder).count == 3)
  }

  @Test func clockThatJumpsAYearAheadAndBackLetsNoReplayIn() async throws {
    let folder = try TemporaryFolder()
    let now: Int64 = 1_790_000_000
    let token = try authorization(payload: examplePayload(issuedAt: now))
    try await withResponder(clock: now, in: folder) { (responder) async throws in
      #expect(try responder.deliver(authorization: token).status == 202)
    }
    try await withResponder(clock: now + 365 * 86_400, in: folder) { responder in
      #expect(try responder.deliver(authorization: token).status == 401)
      try await Task.sleep(for: .seconds(2))  // housekeeping runs in its first second
    }
    try await withResponder(clock: now, in: folder) { (responder) async throws in
      #expect(try responder.deliver(authorization: token).status == 200)
    }
  }
}
