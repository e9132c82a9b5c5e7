internal import Foundation
internal import Glibc
internal import TestSupport
internal import Testing
internal import WebhookCore

/// Keys and configuration that change while the responder runs.
@Suite(.noHang)
struct ReloadTests {
  private static let configuration = """
    spool: spool
    minimum-free-bytes: 0
    instances:
      acme:
        url: https://acme.delvesecurity.app
        keys: [keys/current.pem]
    """

  /// Runs a responder that reads `keys/current.pem`, which is the P-521 test key at first.
  private func withKeyFile(
    _ body: @Sendable (ResponderUnderTest) async throws -> Void
  ) async throws {
    let folder = try TemporaryFolder()
    try folder.write(fileBytes(TestKey.p521.path), to: "keys/current.pem")
    try await withResponder(configuration: Self.configuration, in: folder, body)
  }

  private func status(of key: TestKey, at responder: ResponderUnderTest) throws -> Int {
    let id = String(UInt32.random(in: .min ... .max))
    return try responder.deliver(authorization: try nowAuthorization(id: id, by: key)).status
  }

  private func waitUntil(
    _ key: TestKey, isAnsweredWith expected: Int, by responder: ResponderUnderTest
  ) async throws -> Bool {
    try await eventually { try status(of: key, at: responder) == expected }
  }

  @Test func keyFileRewrittenInPlaceIsReadAgain() async throws {
    try await withKeyFile { responder in
      #expect(try status(of: .otherP521, at: responder) == 401)
      let file = "\(responder.folder.path)/keys/current.pem"
      let handle = try #require(FileHandle(forWritingAtPath: file))
      try handle.truncate(atOffset: 0)
      try handle.write(contentsOf: fileBytes(TestKey.otherP521.path))
      try handle.close()
      #expect(try await waitUntil(.otherP521, isAnsweredWith: 202, by: responder))
      #expect(try status(of: .p521, at: responder) == 401)
    }
  }

  @Test func keyFileRenamedOverIsReadAgain() async throws {
    try await withKeyFile { responder in
      let new = try responder.folder.write(fileBytes(TestKey.otherP521.path), to: "keys/next.pem")
      #expect(rename(new, "\(responder.folder.path)/keys/current.pem") == 0)
      #expect(try await waitUntil(.otherP521, isAnsweredWith: 202, by: responder))
    }
  }

  @Test func swappedSymbolicLinkIsSeen() async throws {
    let folder = try TemporaryFolder()
    try folder.write(fileBytes(TestKey.p521.path), to: "v1/current.pem")
    try folder.write(fileBytes(TestKey.otherP521.path), to: "v2/current.pem")
    #expect(symlink("v1", "\(folder.path)/keys") == 0)
    try await withResponder(configuration: Self.configuration, in: folder) {
      (responder) async throws in
      #expect(try status(of: .p521, at: responder) == 202)
      #expect(symlink("v2", "\(folder.path)/next") == 0)
      #expect(rename("\(folder.path)/next", "\(folder.path)/keys") == 0)
      #expect(try await waitUntil(.otherP521, isAnsweredWith: 202, by: responder))
    }
  }

  @Test func badOrVanishedFileKeepsTheOldKeysAndIsLoggedOnce() async throws {
    try await withKeyFile { responder in
      let file = "\(responder.folder.path)/keys/current.pem"
      try responder.folder.write(Array("rubbish".utf8), to: "keys/current.pem")
      #expect(try await eventually { responder.log.contains("is not a key file") })
      #expect(try status(of: .p521, at: responder) == 202)
      #expect(unlink(file) == 0)
      #expect(try await eventually { responder.log.contains("No such file or directory") })
      try await Task.sleep(for: .seconds(3))
      #expect(try status(of: .p521, at: responder) == 202)
      #expect(responder.log.components(separatedBy: "old keys stay in force").count == 3)
      try responder.folder.write(fileBytes(TestKey.otherP521.path), to: "keys/current.pem")
      #expect(try await waitUntil(.otherP521, isAnsweredWith: 202, by: responder))
    }
  }

  /// A file that cannot be opened for a while has not changed when it can be again.
  @Test func fileThatCouldNotBeReadIsTriedAgain() async throws {
    try await withKeyFile { responder in
      let folder = "\(responder.folder.path)/keys"
      try responder.folder.write(fileBytes(TestKey.otherP521.path), to: "keys/next.pem")
      // A loop of symbolic links in its place, and back: the file itself stays as it was.
      #expect(rename("\(folder)/next.pem", "\(responder.folder.path)/aside.pem") == 0)
      #expect(symlink("current.pem", "\(folder)/loop") == 0)
      #expect(rename("\(folder)/loop", "\(folder)/current.pem") == 0)
      #expect(try await eventually { responder.log.contains("old keys stay in force") })
      #expect(rename("\(responder.folder.path)/aside.pem", "\(folder)/current.pem") == 0)
      #expect(try await waitUntil(.otherP521, isAnsweredWith: 202, by: responder))
    }
  }

  @Test func badFileOfOneInstanceDoesNotStopTheRotationOfAnother() async throws {
    let folder = try TemporaryFolder()
    let two =
      Self.configuration + """

          beta:
            url: https://beta.delvesecurity.app
            keys: [keys/beta.pem]
        """
    for name in ["current", "beta"] {
      try folder.write(fileBytes(TestKey.p521.path), to: "keys/\(name).pem")
    }
    try await withResponder(configuration: two, in: folder) { (responder) async throws in
      try folder.write(Array("rubbish".utf8), to: "keys/current.pem")
      try folder.write(fileBytes(TestKey.otherP521.path), to: "keys/beta.pem")
      let token = try nowAuthorization(by: .otherP521)
      let isRotated = try await eventually {
        try responder.deliver(authorization: token, instance: "beta").status < 300
      }
      #expect(isRotated, "\(responder.log)")
      let old = try nowAuthorization(id: "old")
      #expect(try responder.deliver(authorization: old, instance: "acme").status == 202)
      // It is said once, and what changes meanwhile is said, too.
      #expect(try await responder.logs("stay in force"))
      #expect(try await responder.logs("keys in force"))
      let linesBefore = responder.log.matches(of: /keys in force/).count
      try folder.write(fileBytes(TestKey.p521.path), to: "keys/beta.pem")
      #expect(
        try await eventually {
          responder.log.matches(of: /keys in force/).count > linesBefore
        }, "\(responder.log)")
      #expect(responder.log.matches(of: /stay in force.*current\.pem/).count == 1)
    }
  }

  @Test func hangupAppliesTheConfigurationAndABadOneKeepsTheOld() async throws {
    try await withKeyFile { responder in
      let changed =
        Self.configuration + """

            beta:
              url: https://beta.delvesecurity.app
              keys: [keys/current.pem]
          """
      try responder.folder.write(Array(changed.utf8), to: "config.yaml")
      responder.process.send(signal: SIGHUP)
      #expect(try await eventually { responder.log.contains("reloaded config=") })
      let token = try nowAuthorization()
      #expect(try responder.deliver(authorization: token, instance: "beta").status == 202)
      #expect(try responder.deliver(authorization: token).status == 500)
      try responder.folder.write(Array("spool: [".utf8), to: "config.yaml")
      responder.process.send(signal: SIGHUP)
      #expect(
        try await eventually { responder.log.contains("reload failed, the old configuration") })
      #expect(try responder.deliver(authorization: token, instance: "beta").status == 200)
    }
  }

  // MARK: New keys

  private func statusPage(_ responder: ResponderUnderTest) throws -> String {
    try responder.client().request([
      ("REQUEST_METHOD", Array("GET".utf8)), ("DELVE_HOOK", Array("status".utf8)),
      ("HTTP_ACCEPT", Array("application/json".utf8)),
    ]).text
  }

  /// Replaces a report as `keys fetch --check --report` does.
  private func report(_ text: String, to folder: TemporaryFolder) throws {
    let draft = try folder.write(text.utf8, to: "reports/draft")
    try #require(rename(draft, "\(folder.path)/reports/acme.json") == 0)
  }

  @Test func newKeyIsWarnedOfOnceAndShownUntilItIsConfigured() async throws {
    let folder = try TemporaryFolder()
    try folder.write(fileBytes(TestKey.p521.path), to: "keys/current.pem")
    let settings = "key-reports: reports\n\(Self.configuration)"
    try await withResponder(configuration: settings, in: folder) { responder in
      let old = try TestKey.p521.verificationKeys[0].thumbprint.text
      let new = try TestKey.otherP521.verificationKeys[0].thumbprint.text
      #expect(try !statusPage(responder).contains("a new key"))
      for _ in 1...2 {
        try report(#"{"new":["\#(old)","\#(new)"],"checked":"x"}"#, to: folder)
        #expect(
          try await eventually {
            try statusPage(responder).contains(
              "acme has a new key that is not configured: \(new).")
          })
        // The second report says the same.
        try await Task.sleep(for: .seconds(2))
      }
      #expect(try statusPage(responder).contains(#""newkeys":["\#(new)"]"#))
      #expect(try statusPage(responder).contains("run delve-webhook keys fetch acme."))
      let warning = "a key of the instance is not configured"
      #expect(try await responder.logs("\(warning): delve-webhook keys fetch acme"))
      #expect(responder.log.components(separatedBy: warning).count == 2)
      #expect(responder.log.contains("instance=acme key=\(new)"))
      try folder.write(fileBytes(TestKey.otherP521.path), to: "keys/current.pem")
      #expect(try await eventually { try !statusPage(responder).contains(new + ".") })
    }
  }

  @Test func reportThatIsNoneHarmsNothingAndIsSaid() async throws {
    let folder = try TemporaryFolder()
    try folder.write(fileBytes(TestKey.p521.path), to: "keys/current.pem")
    let settings = "key-reports: reports\n\(Self.configuration)"
    try await withResponder(configuration: settings, in: folder) { responder in
      try report(#"{"new":["<script>"]}"#, to: folder)
      #expect(try await responder.logs("reports/acme.json: is not a report of keys"))
      #expect(unlink("\(folder.path)/reports/acme.json") == 0)
      #expect(mkfifo("\(folder.path)/reports/acme.json", 0o600) == 0)
      #expect(try await responder.logs("reports/acme.json: it is a pipe"))
      #expect(try status(of: .p521, at: responder) == 202)
      #expect(try !statusPage(responder).contains("script"))
    }
  }
}
