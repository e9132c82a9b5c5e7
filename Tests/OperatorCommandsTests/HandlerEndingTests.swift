internal import EventSpool
internal import Glibc
internal import LinuxSystem
@testable internal import OperatorCommands
internal import Testing

struct HandlerEndingTests {
  @Test(
    arguments: [
      (.exit(0), .exit(0)), (.exit(1), .exit(1)), (.exit(65), .exit(65)), (.exit(75), .exit(75)),
      (.signal(SIGKILL), .signal(SIGKILL)), (.signal(SIGTERM), .signal(SIGTERM)),
    ] as [(ChildProcess.Ending, AttemptRecord.Ending)])
  func processThatEndsInTimeEndsAsItSays(
    ended: ChildProcess.Ending, ending: AttemptRecord.Ending
  ) {
    #expect(AttemptRecord.Ending(ended, isOverTime: false) == ending)
  }

  @Test(
    arguments: [.exit(1), .exit(75), .signal(SIGTERM), .signal(SIGKILL)]
      as [ChildProcess.Ending])
  func processThatIsEndedAtItsTimeLimitIsOverIt(ended: ChildProcess.Ending) {
    #expect(AttemptRecord.Ending(ended, isOverTime: true) == .timeLimit)
  }

  @Test func processThatIsEndedAndSaysThatItIsDoneIsDone() {
    #expect(AttemptRecord.Ending(.exit(0), isOverTime: true) == .exit(0))
  }
}
