internal import EventSpool
internal import Foundation
internal import Synchronization
internal import TestSupport
internal import Testing
internal import WebhookCore

/// What delve-webhook-spool(5) says.
struct DocumentationTests {
  private let page = "\(Repository.root)/Sources/EventSpool/delve-webhook-spool.5"

  /// The items that lists have between two lines of the page.
  private func items(from start: String, to end: String) throws -> [String] {
    let lines = String(decoding: try fileBytes(page), as: UTF8.self).split(separator: "\n")
    return lines.drop { $0 != start }.prefix { $0 != end }
      .compactMap { $0.wholeMatch(of: /\.It [A-Z][a-z] (.*)/)?.1 }.map(String.init)
  }

  @Test func everythingInAnInstancesFolderIsExplained() throws {
    let site = try SpoolUnderTest()
    let names = try FileManager.default.contentsOfDirectory(atPath: "\(site.folder.path)/acme")
    let explained = try items(from: ".Sh LAYOUT", to: ".Sh FILE NAMES").map {
      String($0.prefix { $0 != "/" })
    }
    #expect(explained.sorted() == names.sorted())
  }

  @Test func everyMemberOfARecordIsExplained() throws {
    let endings: [AttemptRecord.Ending] = [
      .exit(1), .signal(9), .timeLimit, .lost, .noEvent, .answer("503"), .noAnswer,
    ]
    let members = endings.flatMap { ending in
      var record = AttemptRecord()
      record.lastAttempt = Timestamp(seconds: 0)
      record.nextAttempt = Timestamp(seconds: 0)
      record.ending = ending
      record.notice = Notice()
      return String(decoding: record.line, as: UTF8.self).matches(of: /"([a-z]+)":/).map {
        String($0.1)
      }
    }
    let explained = try items(from: ".Ss Records", to: ".Sh BY HAND") + ["stderr", "text"]
    #expect(explained.sorted() == Set(members).sorted())
  }

  /// The page's archive of a spool that only the responder uses.
  @Test func archiveSortedByNameHasEveryEventThatItKnows() async throws {
    let site = try SpoolUnderTest()
    let before = try (0..<200).map { try exampleEvent(id: "before-\($0)") }
    for event in before { #expect(try site.publish(event) == .stored) }
    let spool = site.spool
    let archive = try TemporaryFolder()
    // Threads, for tasks would take the tests' own.
    let mayGoOn = Atomic(true)
    let writers = DispatchGroup()
    for writer in 0..<4 {
      writers.enter()
      Thread.detachNewThread {
        defer { writers.leave() }
        guard let publisher = try? Publisher(of: spool) else { return }
        var number = 0
        while mayGoOn.load(ordering: .relaxed) {
          guard let event = try? exampleEvent(id: "\(writer)-\(number)") else { return }
          _ = try? publisher.publish(event, minimumFreeBytes: 0, until: soon)
          number += 1
        }
      }
    }
    defer {
      mayGoOn.store(false, ordering: .relaxed)
      writers.wait()
    }
    let path = "\(archive.path)/spool.tar"
    let count = site.events.count
    // A pause at each 10 KiB, for events to arrive.
    let made = try await command(
      "tar",
      [
        "-C", site.folder.path, "--sort=name", "--checkpoint=1",
        "--checkpoint-action=exec=sleep 0.01", "-cf", path, "acme",
      ])
    #expect(made.exitCode <= 1, "\(made)")
    #expect(site.events.count > count)
    let copy = try TemporaryFolder()
    let unpacked = try await command("tar", ["-C", copy.path, "-xpf", path])
    #expect(unpacked.exitCode == 0, "\(unpacked)")
    try expectWhole(copy, with: before)
  }

  private func expectWhole(_ copy: TemporaryFolder, with events: [Event]) throws {
    let known = Set(copy.files(below: "acme/ids").map { $0.split(separator: "/").last?.prefix(32) })
    let stored = Set(copy.files(below: "acme/new").map { EventFileName(parsing: $0)?.idPrefix })
    #expect(known.count >= events.count)
    #expect(known.isSubset(of: stored))
    let opened = try InstanceSpool.open(try exampleInstance().name, in: copy.path)
    let publisher = try Publisher(of: opened)
    for event in events {
      #expect(try publisher.publish(event, minimumFreeBytes: 0, until: soon) == .duplicate)
    }
  }
}
