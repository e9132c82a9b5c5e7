internal import Glibc
internal import LinuxSystem
@testable internal import ServiceProcess
internal import Testing

/// Signals belong to the process: each test has one of its own.
struct StopSignalsTests {
  @Test(arguments: [SIGTERM, SIGINT, SIGHUP, SIGQUIT])
  func firstSignalLetsWorkFinishAndTheSecondEndsIt(number: Int32) async {
    await #expect(processExitsWith: .success) { [number] in
      signal(number, SIG_DFL)
      let signals = try StopSignals()
      var reports = 0
      signals.report = { reports += 1 }
      signals.read()
      #expect(!signals.request.isMade && reports == 0)
      raise(number)
      #expect(isReadable(signals.descriptor, withinMilliseconds: 0))
      signals.read()
      #expect(signals.request.isMade && !signals.request.endsWork && reports == 1)
      raise(number)
      signals.read()
      #expect(signals.request.endsWork && reports == 1)
    }
  }

  @Test(arguments: [SIGINT, SIGHUP, SIGQUIT])
  func signalThatWasIgnoredAtTheStartStaysIgnored(number: Int32) async {
    await #expect(processExitsWith: .success) { [number] in
      signal(number, SIG_IGN)
      let signals = try StopSignals()
      raise(number)
      signals.read()
      #expect(!signals.request.isMade)
      raise(SIGTERM)
      signals.read()
      #expect(signals.request.isMade && !signals.request.endsWork)
    }
  }

  @Test func terminationIsTakenEvenIfItWasIgnored() async {
    await #expect(processExitsWith: .success) {
      signal(SIGTERM, SIG_IGN)
      let signals = try StopSignals()
      raise(SIGTERM)
      signals.read()
      #expect(signals.request.isMade)
    }
  }

  @Test func workIsEndedThirtySecondsAfterTheFirstSignal() async {
    await #expect(processExitsWith: .success) {
      var time = SuspendingClock.now
      let signals = try StopSignals { time }
      raise(SIGTERM)
      signals.read()
      time += .seconds(29)
      signals.read()
      #expect(!signals.request.endsWork)
      time += .seconds(1)
      signals.read()
      #expect(signals.request.endsWork)
    }
  }
}
