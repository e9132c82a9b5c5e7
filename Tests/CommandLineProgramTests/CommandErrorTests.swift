internal import CommandLineProgram
internal import EventSpool
internal import Glibc
internal import LinuxSystem
internal import Testing

struct CommandErrorTests {
  @Test(
    arguments: [
      (.call(.open, errno: ENOENT), EX_NOINPUT), (.foreignOwner(0), EX_NOPERM),
      (.call(.open, errno: EACCES), EX_IOERR), (.call(.write, errno: ENOSPC), EX_IOERR),
      (.call(.fsync, errno: EIO), EX_IOERR), (.nameIsTaken, EX_IOERR), (.closed, EX_IOERR),
      (.unknownLayout(number: 2), EX_IOERR),
    ] as [(SpoolError.Cause, Int32)])
  func failureWhileMovingHasTheExitCodeOfItsCause(cause: SpoolError.Cause, exitCode: Int32) {
    #expect(CommandError(SpoolError(cause, "/spool"), while: .moving).exitCode == exitCode)
  }

  @Test(
    arguments: [
      .call(.open, errno: ENOENT), .foreignOwner(0), .call(.open, errno: EACCES),
      .unknownLayout(number: 2),
    ] as [SpoolError.Cause])
  func failureWhileLookingIsAMissingInput(cause: SpoolError.Cause) {
    #expect(CommandError(SpoolError(cause, "/spool"), while: .looking).exitCode == EX_NOINPUT)
  }

  /// The numbers are those of the manual pages and of the commands' help.
  @Test func exitCodesAreThoseOfTheManual() {
    #expect(EX_NOINPUT == 66 && EX_IOERR == 74 && EX_NOPERM == 77)
    #expect(CommandError.negative("x").exitCode == 1)
    #expect(CommandError.usage("x").exitCode == 64)
    #expect(CommandError.noInput("x").exitCode == 66)
    #expect(CommandError.unavailable("x").exitCode == 69)
    #expect(CommandError.system("x").exitCode == 71)
    #expect(CommandError.configuration("x").exitCode == 78)
  }

  @Test(arguments: [SpoolWork.looking, .moving])
  func sentenceNamesTheRemedy(work: SpoolWork) {
    let error = SpoolError(.foreignOwner(0), "/spool/acme")
    #expect(CommandError(error, while: work).description == error.explanation)
  }
}
