internal import Glibc
internal import TestSupport
internal import Testing

extension UnderLoad {
  /// During ten restarts in a row, every request is answered with 2xx.
  struct RestartTests {
    private let folder: TemporaryFolder
    private var socket: String { "\(folder.path)/s" }

    init() throws {
      folder = try TemporaryFolder()
      try folder.makeFolder("spool")
      try folder.write(exampleConfiguration().utf8, to: "config.yaml")
    }

    private func start(
      _ arguments: [String] = [], listener: HeldSocket? = nil
    ) throws -> SpawnedProcess {
      try SpawnedProcess(
        Repository.executable("delve-webhook-fcgi"),
        ["--config", "\(folder.path)/config.yaml"] + arguments,
        listener: listener?.descriptor, log: "\(folder.path)/log")
    }

    private var starts: Int { folder.text(of: "log").matches(of: /started version/).count }

    /// Makes deliveries through nginx while `restart` runs ten times.
    private func underLoad(
      keepingConnections: Bool = false, _ first: SpawnedProcess,
      _ restart: @Sendable (SpawnedProcess) async throws -> SpawnedProcess
    ) async throws {
      let responder = ResponderUnderTest(folder: folder, process: first.running)
      let settings = keepingConnections ? "fastcgi_keep_conn on;" : ""
      try await withNginx(before: responder, serverSettings: settings, rate: "100000r/s") {
        server in
        try await server.whileUnderLoad {
          var current = first
          for _ in 0..<10 {
            try await Task.sleep(for: .milliseconds(200))
            current = try await restart(current)
          }
          return current
        }
      }
    }

    @Test(arguments: [false, true])
    func restartBehindAHeldSocketLosesNoRequest(keepingConnections: Bool) async throws {
      let held = try HeldSocket(path: socket)
      try await underLoad(keepingConnections: keepingConnections, try start(listener: held)) {
        old in
        old.send(signal: SIGTERM)
        #expect(try await old.exitCode() == 0)
        let count = starts
        let new = try start(listener: held)
        #expect(try await eventually { starts > count })
        return new
      }
    }

    @Test func successorThatTakesThePathOverLosesNoRequest() async throws {
      let first = try start(["--listen", "unix:\(socket)"])
      try await underLoad(first) { old in
        let count = starts
        let new = try start(["--listen", "unix:\(socket)", "--replace"])
        #expect(try await eventually { starts > count })
        old.send(signal: SIGTERM)
        #expect(try await old.exitCode() == 0)
        return new
      }
      #expect(folder.files(below: ".").filter { $0.hasPrefix("s.") } == [])
    }

    /// mod_fcgid may end a process that it has just started, before it runs our program: then the request
    /// that waits in its socket gets 500. It has one at a time.
    private func endedBeforeTheirFirstLine(_ server: WebServer) -> Int {
      let log = server.folder.text(of: "apache.log")
      let started = log.matches(of: /mod_fcgid: server \S+\(\d+\) started/).count
      return started - log.matches(of: /notice started version/).count
    }

    // mod_cgid is not tested, because a graceful restart ends its daemon in the middle of requests.
    @Test(arguments: [WebServerWay.apacheFcgid, .apacheProxy])
    func gracefulRestartOfApacheLosesNoRequest(way: WebServerWay) async throws {
      try await withWebServer(way) { server in
        try await server.whileUnderLoad(
          reusingConnections: false,
          excused: { way == .apacheFcgid ? endedBeforeTheirFirstLine(server) : 0 }
        ) {
          for _ in 0..<10 {
            try await Task.sleep(for: .milliseconds(500))
            server.process.send(signal: SIGUSR1)
          }
          return nil
        }
      }
    }
  }
}
