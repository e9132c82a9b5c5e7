internal import EventSpool
internal import Foundation
internal import LinuxSystem
internal import Synchronization
internal import TestSupport
internal import Testing
internal import WebhookCore

struct PublisherTests {
  @Test func storedEventIsOneFileInNewAndOneNameInIds() throws {
    let test = try SpoolUnderTest()
    let event = try exampleEvent()
    #expect(try test.publish(event) == .stored)
    #expect(test.events == [event.fileName.description])
    #expect(test.ids == ["\(event.issuedHour)/\(event.id.hex)"])
    #expect(try fileBytes("\(test.folder.path)/acme/new/\(event.fileName)") == event.line)
  }

  @Test func callsComeInTheOrderOfTheProtocol() throws {
    let test = try SpoolUnderTest()
    let event = try exampleEvent()
    _ = try test.publish(event)
    let hour = event.issuedHour
    #expect(
      test.recorded.calls == [
        "open \(hour)", "mkdir \(hour)", "open \(hour)", "access \(hour)", "statvfs",
        "open unnamed", "write unnamed", "fsync unnamed", "lock", "access \(hour)", "link new",
        "fsync new", "link \(hour)", "unlock",
      ])
  }

  /// On btrfs, a sync before the file has a name may keep nothing.
  @Test func onBtrfsTheFileIsSyncedAgainOnceItHasAName() throws {
    let test = try SpoolUnderTest(isOnBtrfs: true)
    let event = try exampleEvent()
    // A power cut between link and sync may leave this.
    try test.folder.write([], to: "acme/new/\(event.fileName)")
    #expect(try test.publish(event) == .stored)
    #expect(
      test.recorded.calls.suffix(8) == [
        "access \(event.issuedHour)", "link new", "unlink new", "link new", "fsync unnamed",
        "fsync new", "link \(event.issuedHour)", "unlock",
      ])
    #expect(try fileBytes("\(test.folder.path)/acme/new/\(event.fileName)") == event.line)
  }

  @Test func duplicateIsFoundByOneLookAndWritesNothing() throws {
    let test = try SpoolUnderTest()
    let event = try exampleEvent()
    _ = try test.publish(event)
    test.recorded.reset()
    #expect(try test.publish(event) == .duplicate)
    #expect(test.recorded.calls == ["access \(event.issuedHour)"])
    #expect(test.events.count == 1)
  }

  @Test func duplicateIsFoundWhateverAConsumerDidWithTheFile() throws {
    let test = try SpoolUnderTest()
    let event = try exampleEvent()
    _ = try test.publish(event)
    try FileManager.default.removeItem(atPath: "\(test.folder.path)/acme/new/\(event.fileName)")
    #expect(try test.publish(event) == .duplicate)
    #expect(test.events == [])
  }

  @Test func anotherProcessFindsTheEventToo() throws {
    let test = try SpoolUnderTest()
    let event = try exampleEvent()
    _ = try test.publish(event)
    let other = try InstanceSpool.open(
      try exampleInstance().name, in: test.folder.path)
    #expect(try Publisher(of: other).publish(event, minimumFreeBytes: 0, until: soon) == .duplicate)
  }

  /// A crash between the two links leaves only the name in new/.
  @Test func eventLeftBetweenTheTwoLinksIsPublishedByTheNextDelivery() throws {
    let test = try SpoolUnderTest()
    let event = try exampleEvent()
    try test.folder.write(event.line, to: "acme/new/\(event.fileName)")
    #expect(try test.publish(event) == .stored)
    #expect(test.events.count == 1)
    #expect(test.ids.count == 1)
  }

  /// Half an event, another one, and what is none, under the event's name.
  @Test func whateverLiesInTheEventsPlaceIsReplacedByIt() throws {
    let event = try exampleEvent()
    let foreign = [
      Array(event.line.prefix(event.line.count / 2)), Array(event.line.dropLast()),
      try exampleEvent(id: "other").line, Array("{}\n".utf8), Array("rubbish".utf8),
    ]
    for bytes in foreign {
      let test = try SpoolUnderTest()
      try test.folder.write(bytes, to: "acme/new/\(event.fileName)")
      #expect(try test.publish(event) == .stored)
      #expect(try fileBytes("\(test.folder.path)/acme/new/\(event.fileName)") == event.line)
    }
  }

  /// Every call of a publish in which none fails.
  private func callsOfAPublish(_ event: Event) throws -> [RecordedCall] {
    let test = try SpoolUnderTest()
    _ = try test.publish(event)
    return test.recorded.numberedCalls
  }

  @Test func everyCallThatFailsLeavesNothingOrTheWholeEvent() throws {
    let event = try exampleEvent()
    for call in try callsOfAPublish(event) {
      let test = try SpoolUnderTest()
      test.recorded.reset(failing: call)
      #expect(test.failure(of: event) != nil, "\(call)")
      // Whatever failed, a name in ids/ needs a whole file in new/.
      #expect(test.ids.isEmpty || test.events.count == 1, "\(call)")
      if call != "unlock" { #expect(test.events == [], "\(call)") }
      if call.name.hasPrefix("fsync") {
        #expect(test.failure(of: event)?.cause == .closed, "\(call)")
        test.recorded.reset()
        var housekeeping = Housekeeping(of: test.spool)
        try housekeeping.step(now: Timestamp(seconds: 1_790_000_000))
      }
      test.recorded.reset()
      let again = try test.publish(event)
      #expect(again == (call == "unlock" ? .duplicate : .stored), "\(call)")
      #expect(test.events.count == 1)
    }
  }

  @Test func lookOfADuplicateThatFailsPromisesNothing() throws {
    let test = try SpoolUnderTest()
    let event = try exampleEvent()
    _ = try test.publish(event)
    test.recorded.reset(failing: RecordedCall("access \(event.issuedHour)"))
    #expect(test.failure(of: event)?.refusal.reason == .spoolIO)
    test.recorded.reset()
    #expect(try test.publish(event) == .duplicate)
  }

  @Test func callThatFailsForOneOfTwoAtOnceLosesNothing() async throws {
    let event = try exampleEvent()
    // Of each call, the first one fails, or that of the other publisher.
    let calls = (["open lock", "open new"] + (try callsOfAPublish(event)))
      .flatMap { [$0, $0.next] }
    for call in calls {
      let test = try SpoolUnderTest()
      let spool = test.spool
      test.recorded.reset(failing: call)
      let answers = await withTaskGroup(of: Publisher.Publication?.self) { group in
        for _ in 0..<2 {
          group.addTask {
            try? Publisher(of: spool).publish(event, minimumFreeBytes: 0, until: soon)
          }
        }
        return await group.reduce(into: []) { $0 += [$1].compactMap(\.self) }
      }
      #expect(answers.count { $0 == .stored } <= 1, "\(call)")
      if !answers.isEmpty {
        #expect(test.events.count == 1 && test.ids.count == 1, "\(call)")
      }
      test.recorded.reset()
      var housekeeping = Housekeeping(of: test.spool)
      try housekeeping.step(now: Timestamp(seconds: 1_790_000_000))
      _ = try test.publish(event)
      #expect(test.events.count == 1 && test.ids.count == 1, "\(call)")
    }
  }

  @Test(arguments: [
    (ENOSPC, "spool-full"), (EDQUOT, "spool-full"), (EROFS, "spool-read-only"),
    (EACCES, "spool-permission"), (EPERM, "spool-permission"), (EMFILE, "spool-descriptors"),
    (ENFILE, "spool-descriptors"), (EIO, "spool-io"), (ESTALE, "spool-io"),
  ])
  func failureSaysWhatIsWrong(code: Int32, codeWord: String) throws {
    let test = try SpoolUnderTest()
    test.recorded.reset(failing: "write unnamed", with: code)
    let refusal = try #require(test.failure(of: try exampleEvent())?.refusal)
    #expect(refusal.reason.codeWord == codeWord)
    #expect(
      refusal.detail
        == .systemCall("write", path: "\(test.folder.path)/acme/(unnamed file)", errno: code))
  }

  /// The kernel may report a lost write to only one descriptor. Here it reports the write to a
  /// publish that runs while another one syncs; all calls of the other one succeed.
  @Test func failedSyncOfOneSpoilsThePublishInFlight() throws {
    let folder = try TemporaryFolder()
    let inner = try exampleEvent(id: "inner")
    let opened = Mutex<InstanceSpool?>(nil)
    let syncs = Mutex(0)
    var calls = SystemCalls()
    calls.fsync = { descriptor in
      guard let spool = opened.withLock({ $0 }) else { return fsync(descriptor) }
      let count = syncs.withLock { count in
        count += 1
        return count
      }
      if count == 1 {
        _ = try? Publisher(of: spool).publish(inner, minimumFreeBytes: 0, until: soon)
      }
      guard count == 2 else { return fsync(descriptor) }
      errno = EIO
      return -1
    }
    let spool = try InstanceSpool.open(
      try exampleInstance().name, in: folder.path, calls: calls)
    opened.withLock { $0 = spool }
    #expect(throws: SpoolError(.closed)) {
      try Publisher(of: spool).publish(
        try exampleEvent(id: "outer"), minimumFreeBytes: 0, until: soon)
    }
    // Were it in ids/, its repeat would be a duplicate of what the disk may have lost.
    #expect(folder.files(below: "acme/ids") == [] && folder.files(below: "acme/new") == [])
    #expect(throws: SpoolError(.closed)) { try spool.checkHealth(minimumFreeBytes: 0) }
  }

  @Test func duplicateIsAnsweredThoughTheDiskIsFull() throws {
    let test = try SpoolUnderTest()
    let event = try exampleEvent(id: "1")
    _ = try test.publish(event)
    #expect(try test.publisher.publish(event, minimumFreeBytes: .max, until: soon) == .duplicate)
    #expect(throws: SpoolError(.belowMinimum(bytes: .max), "\(test.folder.path)/acme")) {
      try test.publisher.publish(try exampleEvent(id: "2"), minimumFreeBytes: .max, until: soon)
    }
    #expect(throws: SpoolError(.belowMinimum(bytes: .max), "\(test.folder.path)/acme")) {
      try test.spool.checkHealth(minimumFreeBytes: .max)
    }
  }

  /// A name that an earlier try left is not ours to take back.
  @Test(arguments: ["fsync new", "link 20260921T14"] as [RecordedCall])
  func fileOfAnEarlierTryStaysWhenAStepFails(call: RecordedCall) throws {
    let test = try SpoolUnderTest()
    let event = try exampleEvent()
    try test.folder.write(event.line, to: "acme/new/\(event.fileName)")
    test.recorded.reset(failing: call)
    #expect(test.failure(of: event) != nil)
    #expect(test.events.count == 1)
    #expect(test.ids == [])
  }

  @Test func newFolderThatWasMadeAgainIsFound() throws {
    let test = try SpoolUnderTest()
    _ = try test.publish(try exampleEvent(id: "1"))
    try FileManager.default.removeItem(atPath: "\(test.folder.path)/acme/new")
    #expect(test.failure(of: try exampleEvent(id: "2"))?.refusal.reason == .spoolIO)
    #expect(throws: SpoolError.self) { try test.spool.checkHealth(minimumFreeBytes: 0) }
    try test.folder.makeFolder("acme/new")
    try test.spool.checkHealth(minimumFreeBytes: 0)
    #expect(try test.publish(try exampleEvent(id: "2")) == .stored)
  }

  @Test func hourFolderThatVanishedIsMadeAgain() throws {
    let test = try SpoolUnderTest()
    _ = try test.publish(try exampleEvent(id: "1"))
    try FileManager.default.removeItem(
      atPath: "\(test.folder.path)/acme/ids/\(try exampleEvent().issuedHour)")
    #expect(try test.publish(try exampleEvent(id: "2")) == .stored)
    #expect(test.ids.count == 1)
  }

  /// Consumers remove an event that `done/` holds already, from an earlier try, and scripts any event.
  @Test func eventThatAConsumerRemovesBetweenTheTwoLinksIsStored() throws {
    let folder = try TemporaryFolder()
    let event = try exampleEvent()
    let path = "\(folder.path)/acme/new/\(event.fileName)"
    let real = SystemCalls()
    var calls = SystemCalls()
    calls.linkOpenFile = { file, directory, name in
      if name == event.id.hex { unlink(path) }
      return real.linkOpenFile(file, directory, name)
    }
    let spool = try InstanceSpool.open(try exampleInstance().name, in: folder.path, calls: calls)
    let publisher = try Publisher(of: spool)
    #expect(try publisher.publish(event, minimumFreeBytes: 0, until: soon) == .stored)
    #expect(try publisher.publish(event, minimumFreeBytes: 0, until: soon) == .duplicate)
    #expect(folder.files(below: "acme/new") == [])
    #expect(
      try fileBytes("\(folder.path)/acme/ids/\(event.issuedHour)/\(event.id.hex)") == event.line)
  }

  @Test func threadsWithOneEventStoreItOnce() async throws {
    let test = try SpoolUnderTest()
    let event = try exampleEvent()
    let spool = test.spool
    let results = try await withThrowingTaskGroup(of: Publisher.Publication.self) { group in
      for _ in 0..<16 {
        group.addTask { try Publisher(of: spool).publish(event, minimumFreeBytes: 0, until: soon) }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(results.count { $0 == .stored } == 1)
    #expect(test.events.count == 1)
  }
}
