internal import Foundation
internal import TestSupport
internal import Testing

/// What a delivery leaves in the log: its subject, and if it was slow, the times of its steps.
@Suite(.noHang)
struct SlowRequestTests {
  /// A delivery whose body comes some seconds behind its parameters. On a machine that is so busy that
  /// its ten seconds are over meanwhile, it is made again.
  private func dripDelivery(_ id: String, to responder: ResponderUnderTest) async throws -> Int {
    for _ in 0..<20 {
      // A delivery that was cut off may have been stored.
      let id = "\(id)-\(UInt32.random(in: .min ... .max))"
      if let status = try await drip(try nowAuthorization(id: id), to: responder) { return status }
    }
    throw NoAnswer()
  }

  private struct NoAnswer: Error {}

  /// Nil if the time was over.
  private func drip(
    _ authorization: [UInt8]?, to responder: ResponderUnderTest
  ) async throws -> Int? {
    let client = try responder.client()
    do {
      try client.begin()
      let parameters = deliveryParameters(authorization: authorization)
      try client.send(.parameters, FastCGIClient.encoded(parameters))
      try client.send(.parameters, [])
      try await Task.sleep(for: .seconds(3))
      try client.send(.standardInput, Array("{}".utf8))
      try client.send(.standardInput, [])
      return try client.response().status
    } catch FastCGIClient.Failure.closed {
      return nil
    }
  }

  private func line(_ text: String, in responder: ResponderUnderTest) async throws -> String {
    #expect(try await responder.logs(text), "\(responder.log)")
    return String(
      responder.log.split(separator: "\n").first { $0.contains(text) } ?? "there is no line")
  }

  private func number(_ field: String, in line: String) -> Int? {
    line.split(separator: " ").first { $0.hasPrefix("\(field)=") }
      .flatMap { Int($0.dropFirst(field.count + 1)) }
  }

  @Test func slowDeliveryIsAWarningWithTheTimesOfItsSteps() async throws {
    let configuration = exampleConfiguration(settings: "slow-ms: 40")
    try await withResponder(configuration: configuration) { responder in
      #expect(try await dripDelivery("slow", to: responder) == 202)
      let slow = try await line("subject=export/slow", in: responder)
      #expect(slow.contains(" warning code=stored status=202 "), "\(slow)")
      let steps = ["receiving-us", "waiting-us", "deciding-us", "publishing-us"].compactMap {
        number($0, in: slow)
      }
      let all = try #require(number("slow-us", in: slow), "\(slow)")
      #expect(steps.count == 4, "\(slow)")
      // The responder may look at the parameters some time after they were sent.
      #expect(steps[0] >= 40_000, "\(slow)")
      // Each is cut to whole microseconds.
      #expect((0...4).contains(all - steps.reduce(0, +)), "\(slow)")
      let serving = try #require(number("us", in: slow))
      #expect((0...2).contains(serving - steps[2] - steps[3]), "\(slow)")

      // A refusal has no publishing.
      #expect(try await eventually { try await drip(nil, to: responder) == 401 })
      let refused = try await line("code=missing-authorization", in: responder)
      #expect(refused.contains(" slow-us=") && !refused.contains("publishing-us="), "\(refused)")

      // Nothing is slow for it.
      try await responder.reload(
        exampleConfiguration(settings: "slow-ms: 0"), logs: "reloaded config=")
      #expect(try await dripDelivery("off", to: responder) == 202)
      let off = try await line("subject=export/off", in: responder)
      #expect(off.contains(" info code=stored "), "\(off)")
      #expect(!off.contains("slow-us="), "\(off)")

      // The control, with the same wait below the threshold.
      try await responder.reload(
        exampleConfiguration(settings: "slow-ms: 10000"), logs: "reloaded config=")
      #expect(try await dripDelivery("control", to: responder) == 202)
      let control = try await line("subject=export/control", in: responder)
      #expect(control.contains(" info code=stored ") && !control.contains("slow-us="), "\(control)")
    }
  }

  @Test func storedAndDuplicateSayTheVerifiedSubjectAndOthersNone() async throws {
    try await withResponder { responder in
      let token = try nowAuthorization(id: #"7 \u001B[31m"#)
      #expect(try responder.deliver(authorization: token).status == 202)
      #expect(try responder.deliver(authorization: token).status == 200)
      let wrong = try nowAuthorization(id: "secret", by: .otherP521)
      #expect(try responder.deliver(authorization: wrong).status == 401)
      #expect(try responder.deliver(authorization: token, hook: "scan-failure").status == 422)
      for (codeWord, hasSubject) in [
        ("stored", true), ("duplicate", true), ("bad-signature", false), ("wrong-hook", false),
      ] {
        let line = try await line("code=\(codeWord) ", in: responder)
        #expect(
          line.contains(#" subject="export/7 %1B[31m" "#) == hasSubject, "\(line)")
        #expect(line.contains("subject=") == hasSubject, "\(line)")
      }
      #expect(!responder.log.contains("secret"))
    }
  }
}
