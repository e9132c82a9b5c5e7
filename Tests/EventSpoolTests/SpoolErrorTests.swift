internal import EventSpool
internal import Glibc
internal import LinuxSystem
internal import Testing
internal import WebhookCore

struct SpoolErrorTests {
  /// One cause of each case but `call`.
  private static let causes: [SpoolError.Cause] = [
    .tooLong(maxBytes: 16), .nameIsTaken, .belowMinimum(bytes: 5), .noInodes, .closed,
    .unknownLayout(number: 2), .foreignOwner(0), .noPlainFile, .foreignName, .held, .locked, .moved,
  ]

  /// The calls and error numbers that decide a remedy, a concern or a refusal, and some others.
  private static let failedCalls: [SpoolError.Cause] = [
    .call(.linkat, errno: ENOENT), .call(.linkat, errno: EPERM), .call(.linkat, errno: EOPNOTSUPP),
    .call(.open, errno: EOPNOTSUPP), .call(.open, errno: EINVAL), .call(.open, errno: EISDIR),
    .call(.open, errno: ENOTDIR), .call(.open, errno: ELOOP), .call(.open, errno: ENOENT),
    .call(.open, errno: EACCES), .call(.open, errno: EMFILE), .call(.open, errno: ENFILE),
    .call(.open, errno: ENAMETOOLONG), .call(.fcntl, errno: ENOLCK), .call(.mkdir, errno: EEXIST),
    .call(.mkdir, errno: EROFS), .call(.renameat2, errno: EXDEV), .call(.write, errno: ENOSPC),
    .call(.write, errno: EDQUOT), .call(.fsync, errno: EIO), .call(.read, errno: EUCLEAN),
    .call(.read, errno: ESTALE),
  ]

  // MARK: Who pays

  @Test(
    arguments: [
      (.call(.open, errno: EMFILE), .event, .caller),
      (.call(.open, errno: EMFILE), .folder, .caller),
      (.call(.open, errno: ENFILE), .event, .caller),
      (.call(.open, errno: ENOMEM), .folder, .caller),
      // An error on one event's file says nothing of others.
      (.call(.open, errno: EACCES), .event, .event),
      (.call(.read, errno: EIO), .event, .event),
      (.call(.fsync, errno: EIO), .event, .event),
      (.tooLong(maxBytes: 1), .event, .event),
      (.nameIsTaken, .event, .event), (.nameIsTaken, .folder, .event),
      (.noPlainFile, .folder, .event), (.foreignName, .folder, .event), (.held, .folder, .event),
      // What lies in the place of a folder.
      (.call(.open, errno: EISDIR), .folder, .spool),
      (.call(.open, errno: ELOOP), .folder, .spool),
      (.call(.renameat2, errno: EBUSY), .folder, .spool),
      (.call(.fsync, errno: EIO), .folder, .disk), (.call(.fsync, errno: ENOSPC), .folder, .disk),
      (.call(.readdir, errno: EIO), .folder, .disk),
      (.call(.open, errno: EUCLEAN), .folder, .disk), (.closed, .folder, .disk),
      (.call(.open, errno: ENOENT), .folder, .spool),
      (.call(.open, errno: EACCES), .folder, .spool),
      (.call(.write, errno: ENOSPC), .folder, .spool),
      (.call(.mkdir, errno: EROFS), .folder, .spool),
      (.tooLong(maxBytes: 1), .folder, .spool), (.belowMinimum(bytes: 1), .folder, .spool),
      (.noInodes, .folder, .spool), (.unknownLayout(number: 2), .folder, .spool),
      (.foreignOwner(0), .folder, .spool),
    ] as [(SpoolError.Cause, SpoolError.Object, SpoolError.Concern)])
  func failureConcernsOnlyWhatItSaysSomethingAbout(
    cause: SpoolError.Cause, object: SpoolError.Object, concern: SpoolError.Concern
  ) {
    #expect(SpoolError(cause, "/spool/acme", of: object).concern == concern)
  }

  // MARK: For an operator

  @Test(arguments: causes + failedCalls)
  func messageNamesThePathAndTheCause(cause: SpoolError.Cause) {
    let message = SpoolError(cause, "/spool/acme").message
    #expect(message.hasPrefix("/spool/acme"))
    #expect(message.count > "/spool/acme: ".count)
  }

  @Test(arguments: causes + failedCalls)
  func everyFailureHasARemedy(cause: SpoolError.Cause) {
    let error = SpoolError(cause, "/spool/acme")
    #expect(!error.remedy.isEmpty)
    #expect(error.explanation == "\(error.message); \(error.remedy)")
  }

  @Test func pathIsShownWithoutControlCharacters() {
    #expect(SpoolError(.nameIsTaken, "/spool/\u{1B}[2J").message.hasPrefix("/spool/\\u{1B}[2J"))
  }

  @Test(arguments: [
    (SystemCall.linkat, ENOENT, "mount /proc"), (.open, ENOENT, "make the folder"),
    (.linkat, EPERM, "hard links"), (.open, EPERM, "give the spool to the user"),
    (.open, EISDIR, "move it away"), (.write, EINVAL, "look at the disk"),
    (.fcntl, ENOLCK, "byte-range locks"), (.open, ENOTDIR, "move it away"),
    (.mkdir, EROFS, "writable"), (.renameat2, EXDEV, "one file system"),
    (.write, ENOSPC, "free space"), (.write, EDQUOT, "free space"),
    (.open, EMFILE, "LimitNOFILE"), (.fsync, EIO, "look at the disk"),
  ])
  func remedyIsThatOfTheCallAndItsError(call: SystemCall, code: Int32, remedy: String) {
    #expect(SpoolError(.call(call, errno: code)).remedy.contains(remedy))
  }

  /// A file without a name is made in its folder.
  @Test(arguments: [EISDIR, EINVAL, EOPNOTSUPP])
  func fileSystemWithoutNamelessFilesIsSaid(code: Int32) {
    #expect(SpoolError(.call(.open, errno: code), "/spool/acme/tmp/.").remedy.contains("O_TMPFILE"))
  }

  // MARK: For a sender

  @Test(
    arguments: [
      (ENOSPC, .spoolFull), (EDQUOT, .spoolFull), (EROFS, .spoolReadOnly),
      (EACCES, .spoolPermission), (EPERM, .spoolPermission), (EMFILE, .spoolDescriptors),
      (ENFILE, .spoolDescriptors), (EIO, .spoolIO), (ENOENT, .spoolIO), (ESTALE, .spoolIO),
    ] as [(Int32, Refusal.Reason)])
  func failedCallIsRefusedByItsError(code: Int32, reason: Refusal.Reason) {
    let error = SpoolError(.call(.write, errno: code), "/spool/acme")
    #expect(
      error.refusal
        == Refusal(
          reason, .systemCall("write", path: "/spool/acme", errno: code), remedy: error.remedy))
  }

  @Test(
    arguments: [
      (.belowMinimum(bytes: 5), Refusal(.spoolFull, .limit(bytes: 5))),
      (.noInodes, Refusal(.spoolFull, .path("/spool/acme"))),
      (.closed, Refusal(.spoolClosed, .path("/spool/acme"))),
      (.locked, Refusal(.spoolLocked, .path("/spool/acme"))),
      (.moved, Refusal(.spoolIO, .path("/spool/acme"))),
      (.foreignOwner(0), Refusal(.spoolPermission, .path("/spool/acme"))),
      (.unknownLayout(number: 2), Refusal(.spoolIO, .path("/spool/acme"))),
      (.tooLong(maxBytes: 5), Refusal(.spoolIO, .path("/spool/acme"))),
      (.nameIsTaken, Refusal(.spoolIO, .path("/spool/acme"))),
    ] as [(SpoolError.Cause, Refusal)])
  func otherFailureIsRefusedByItsCause(cause: SpoolError.Cause, refusal: Refusal) {
    let error = SpoolError(cause, "/spool/acme")
    #expect(error.refusal == Refusal(refusal.reason, refusal.detail, remedy: error.remedy))
  }

  @Test func onlyAFailedCallHasAnErrorNumber() {
    #expect(SpoolError(.call(.open, errno: ENOENT)).errno == ENOENT)
    #expect(SpoolError(.closed).errno == nil)
  }
}
