internal import Foundation
internal import Glibc
internal import StrictJSON
internal import Synchronization
internal import TestSupport
internal import Testing

/// Everything at once: deliveries, the catalogue of attacks, peers that are no web server, looks at
/// status page and metrics, keys and configuration that are rewritten. In the midst of it the
/// responder is stopped or killed, and the next one starts on the same spool. `Tests/Sanitizers/run`
/// lets more rounds of it run.
@Suite(.serialized, .noHang)
struct StormTests {
  private static let rounds =
    ProcessInfo.processInfo.environment["DELVE_WEBHOOK_STORM_ROUNDS"].flatMap { Int($0) } ?? 2

  @Test func everyAnsweredEventIsThereAfterEachStorm() async throws {
    let folder = try TemporaryFolder()
    var answered: Set<String> = []
    for round in 0..<Self.rounds {
      try folder.write(fileBytes(TestKey.p521.path), to: "key.pem")
      let signal = round % 2 == 0 ? SIGTERM : SIGKILL
      let (ids, exitCode) = try await withResponder(
        configuration: Storm.configuration(workers: 1 + round % 3, change: 0), in: folder
      ) { responder in
        let storm = Storm(responder: responder, name: "\(round)")
        await storm.rage(until: signal)
        return storm.answered
      }
      #expect(exitCode == (signal == SIGTERM ? 0 : -SIGKILL))
      // A storm that stores nothing shows nothing.
      #expect(ids.count >= Storm.enough)
      answered.formUnion(ids)
    }
    let stored = try Set(
      folder.files(below: "spool").filter { $0.contains("/new/") }.map {
        let event = try JSONValue(parsing: fileBytes("\(folder.path)/spool/\($0)")).object
        return strings(event?["id"]).first ?? ""
      })
    #expect(answered.subtracting(stored) == [])
  }
}

/// One responder's storm. Each part has a thread of its own, for tests' tasks share few threads, and
/// ends once the responder is gone.
private final class Storm: Sendable {
  /// So many events are stored before the responder is ended.
  static let enough = 150

  private let responder: ResponderUnderTest
  private let name: String
  private let ids = Mutex<Set<String>>([])
  private let attacksAreOver = Atomic(false)

  init(responder: ResponderUnderTest, name: String) {
    (self.responder, self.name) = (responder, name)
  }

  /// The ids of the events that were answered as stored.
  var answered: Set<String> { ids.withLock { $0 } }

  /// Two instances and what writes beside the events. Only what a reload may change depends on
  /// `change`.
  static func configuration(workers: Int, change: Int) -> String {
    """
    spool: spool
    minimum-free-bytes: 0
    workers: \(workers)
    slow-ms: \(change % 2)
    keep-refused: \(change % 3)
    instances:
      acme:
        url: https://acme.delvesecurity.app
        keys: [key.pem]
      beta:
        url: https://beta.delvesecurity.app
        keys: [\(Repository.root)/Tests/Attacks/keys/all.jwks.json]
    """
  }

  /// Returns once all parts have ended.
  func rage(until signal: Int32) async {
    let parts: [@Sendable () -> Void] = [
      { self.deliver(to: "acme") }, { self.deliver(to: "acme") }, { self.deliver(to: "beta") },
      { self.attack() }, { self.misbehave() }, { self.look() }, { self.change() },
      { self.end(with: signal) },
    ]
    await withTaskGroup { group in
      for part in parts {
        group.addTask { await onOwnThread(part) }
      }
    }
  }

  // MARK: The parts

  /// Every third delivery is made twice.
  private func deliver(to instance: String) {
    repeatUntilGone { number in
      let id = "\(name)-\(UInt64.random(in: .min ... .max))"
      let token = try nowAuthorization(id: id)
      for _ in 0...(number % 3 == 0 ? 1 : 0) {
        let response = try responder.deliver(authorization: token, instance: instance)
        guard response.status == 202 else { continue }
        let answer = try JSONValue(parsing: response.body).object
        if let id = strings(answer?["id"]).first { _ = ids.withLock { $0.insert(id) } }
      }
    }
  }

  /// The whole catalogue, whatever is answered: the clock is not that of each case.
  private func attack() {
    for attack in AttackCase.all {
      _ = try? responder.deliver(
        authorization: attack.authorization, xSignature: attack.xSignature, hook: attack.hook,
        instance: "beta", body: attack.body)
    }
    attacksAreOver.store(true, ordering: .releasing)
  }

  private func misbehave() {
    var stalled: [FastCGIClient] = []
    repeatUntilGone { number in
      let client = try responder.client()
      switch number % 3 {
      case 0: try? client.send(bytes: (0..<200).map { _ in UInt8.random(in: .min ... .max) })
      case 1: try? client.stall(in: .parameters)
      default: try? client.stall(in: .body)
      }
      stalled = [client] + stalled.prefix(20)
      usleep(1_000)
    }
  }

  private func look() {
    repeatUntilGone { number in
      _ = try responder.observe(["status", "metrics", "health"][number % 3])
    }
  }

  /// Rewrites the key in place or by a rename, the configuration by a rename, and asks for a reload.
  /// The key always verifies what is delivered, or is none, and then the old one stays in force.
  private func change() {
    let folder = responder.folder
    repeatUntilGone { number in
      let key = number % 4 == 3 ? Array("rubbish".utf8) : try fileBytes(TestKey.p521.path)
      let draft = try folder.write(key, to: number % 2 == 0 ? "key.pem" : "next.pem")
      if number % 2 == 1 { rename(draft, "\(folder.path)/key.pem") }
      let settings = Self.configuration(workers: 1, change: number)
      let next = try folder.write(settings.utf8, to: "next.yaml")
      rename(next, "\(folder.path)/config.yaml")
      responder.process.send(signal: SIGHUP)
      usleep(20_000)
      _ = try responder.client()
    }
  }

  /// In the midst of everything but the attacks.
  private func end(with signal: Int32) {
    // A responder that has ended by itself stores no more.
    var patience = 6_000
    while patience > 0, answered.count < Self.enough || !attacksAreOver.load(ordering: .acquiring) {
      usleep(100_000)
      patience -= 1
    }
    responder.process.send(signal: signal)
  }

  /// Until the responder is not there for some time: a connection may be cut off for a reason.
  private func repeatUntilGone(_ body: (Int) throws -> Void) {
    var number = 0
    var failures = 0
    while failures < 3 {
      do {
        try body(number)
        failures = 0
      } catch {
        failures += 1
        usleep(50_000)
      }
      number += 1
    }
  }
}

private func onOwnThread(_ body: @escaping @Sendable () -> Void) async {
  await withCheckedContinuation { continuation in
    Thread.detachNewThread {
      body()
      continuation.resume()
    }
  }
}
