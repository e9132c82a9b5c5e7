internal import ArgumentParser
internal import CommandLineProgram
internal import Glibc
internal import LinuxSystem
internal import ServiceProcess
internal import WebhookConfiguration
internal import WebhookCore

/// `delve-webhook setup`
struct SetupCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "setup",
    abstract: "Set up an instance: configuration, key, spool and web server.",
    discussion: """
      Does all of this, as root:

        1.  makes \(Settings.defaultPath), or adds the instance to it
        2.  fetches the key over HTTPS, and asks whether you trust its thumbprint
        3.  gives the spool to the user that the responder runs as
        4.  writes the file with the instance's hooks for the web server
        5.  checks everything as that user, as `config check` does
        6.  starts or reloads the service

      Then it prints what remains: lines for the web server, and the delve.json that registers the \
      hooks with Delve.

      Run it again with the same arguments, and it changes no file. Run it for another instance, and \
      it adds that one. If a step fails, nothing is changed. It never changes what you wrote by hand.

      --server says who runs the responder. With nginx and apache (mod_proxy_fcgi), the responder \
      is a service with a user of its own. With apache-fcgid (mod_fcgid) and apache-cgi \
      (mod_cgid), Apache starts it, and Apache's user owns the spool.

      Exit code 0: the instance is set up; 1: the key was not confirmed; 64: wrong command line; \
      66: a file cannot be read; 69: the instance, a program or the service does not do its part; \
      73: a file cannot be written; 75: another setup runs, or the configuration was changed \
      meanwhile; 77: not root; 78: the configuration cannot be extended, or would not work.
      """)

  @Argument(help: "The instance's name: a-z, 0-9 and hyphens.")
  var name: String

  @Argument(help: "The instance's address, for example https://acme.delvesecurity.app.")
  var url: String

  @Option(
    help: """
      The web server: nginx (the default) or apache, with the responder as a service; or \
      apache-fcgid or apache-cgi, where Apache starts it.
      """)
  var server: ServedBy?

  @Option(
    help: ArgumentHelp(
      "Where the sender reaches the hooks (default: https://HOST/webhooks/delve/NAME).",
      valueName: "url"))
  var baseURL: String?

  @Option(
    help: ArgumentHelp(
      "The spool of a new configuration (default: \(SystemdFiles.defaultSpool)).",
      valueName: "folder"))
  var spool: String?

  @OptionGroup var fetching: KeyFetchingOptions

  func validate() throws {
    guard InstanceName(name) != nil else {
      throw ValidationError(
        "\(printable(name)): a name must be 1 to 63 of a-z, 0-9 and -, not - first.")
    }
    if let spool, !Self.canBeSpool(spool) {
      throw ValidationError(
        "--spool must be an absolute path of letters, digits, and the characters . _ - + @ /, "
          + "without empty parts and dots, and not below a folder of the system or of users.")
    }
  }

  private static func canBeSpool(_ path: String) -> Bool {
    let parts = path.split(separator: "/", omittingEmptySubsequences: false)
    return parts.count > 1 && parts[0].isEmpty
      && parts.dropFirst().allSatisfy { isPlain($0, and: "._-+@") && ![".", ".."].contains($0) }
      && !ServiceUnit.cannotServe(path)
  }

  func run() async throws {
    // If nobody reads the output any more, nothing was set up.
    setExitCodeIfUnread(EX_IOERR)
    try await reportingErrors {
      guard geteuid() == 0 else {
        throw CommandError("setup writes below /etc: run it as root", exitCode: EX_NOPERM)
      }
      guard let name = InstanceName(name) else { throw ExitCode(EX_USAGE) }
      let lock = try exclusiveLock()
      defer { withExtendedLifetime(lock) {} }
      let configuration = try SetupConfiguration(
        Settings.defaultPath, adding: name, url: url, spool: spool)
      let served = try chosenServer(configuration.settings.spool)
      let user = try ServiceUser(firstOf: served.users)
      let webServer = try WebServerFiles(served, name, url: baseURL)
      try requireUsable(configuration.settings.spool, by: user, served)
      if let warning = webServer.warning { printError("warning: \(warning)") }
      if !served.isInstalled {
        printError("warning: \(served.snippets) is not installed here; --server names another")
      }
      let keys = try await newKeys(of: configuration)
      try await change(configuration, keys, user, webServer)
      printSteps(webServer)
    }
  }

  /// Two at the same time would not see what the other one adds.
  private func exclusiveLock() throws -> FileDescriptor {
    let path = "/run/delve-webhook-setup.lock"
    let flags = O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC
    do throws(SystemError) {
      let lock = FileDescriptor(owning: try checked(.open, path) { open(path, flags, 0o600) })
      let descriptor = lock.raw
      try checked(.flock, path) { flock(descriptor, LOCK_EX | LOCK_NB) }
      return lock
    } catch  where error.errno == EWOULDBLOCK {
      throw CommandError(
        "another delve-webhook setup is running: end it, or wait for it (fuser -v \(path))",
        exitCode: EX_TEMPFAIL)
    } catch {
      throw CommandError(cannotWrite: error)
    }
  }

  /// The way that was named. Another one that serves instances here is not given up by default.
  private func chosenServer(_ spool: String) throws -> ServedBy {
    if let server { return server }
    let apache = try ServiceUser(firstOf: ServedBy.apacheFcgid.users + ["root"])
    var status = stat()
    let isOwner = stat(spool, &status) == 0 && apache.id != 0 && status.st_uid == apache.id
    let isKnown =
      try WebServerFiles.haveInstances(.apache) && !WebServerFiles.haveInstances(.nginx)
    guard !isOwner && !isKnown else {
      throw CommandError.usage("Apache serves instances here: name the way by --server")
    }
    return .nginx
  }

  // MARK: The spool

  /// A spool that is another user's can be given away if nothing is in it, and nobody else can mean
  /// it: it is the packages', or a web server's from before, or a file system of its own.
  private func requireUsable(
    _ spool: String, by user: ServiceUser, _ served: ServedBy
  ) throws {
    guard !ServiceUnit.cannotServe(spool) else {
      throw CommandError.configuration(
        "\(printable(spool)): the service cannot use a spool there: name another folder")
    }
    var status = stat()
    guard stat(spool, &status) == 0, status.st_uid != user.id else { return }
    let path = printable(spool)
    guard try names(inFolder: spool).allSatisfy({ $0 == "lost+found" }) else {
      throw CommandError.configuration(
        "\(path) is in use and does not belong to \(user.name), as whom \(served.rawValue) runs the "
          + "responder: name the right --server, or end what uses the spool and run "
          + "chown -R \(user.name): \(path)")
    }
    var parent = stat()
    let isMountPoint = stat(parentFolder(spool), &parent) == 0 && parent.st_dev != status.st_dev
    guard spool == SystemdFiles.defaultSpool || status.st_uid != 0 || isMountPoint else {
      throw CommandError.configuration(
        "\(path) is there already and belongs to root: name a folder that is not there yet, or run "
          + "chown \(user.name): \(path)")
    }
  }

  // MARK: The key

  /// The keys that are to be written into the instance's first key file; nil if it is there.
  private func newKeys(of configuration: SetupConfiguration) async throws -> [VerificationKey]? {
    let instance = configuration.instance
    let file = instance.keyFiles[0]
    let there = try fileIfThere(file) == nil ? nil : readKeyFile(file).keys
    // With the instance, its keys were confirmed.
    if let there, configuration.newText == nil {
      for key in there { printKey("  known", key) }
      return nil
    }
    let useful = try await usefulKeys(of: instance)
    if let there {
      guard Set(there.map(\.thumbprint)) == Set(useful.map(\.thumbprint)) else {
        throw CommandError.configuration(
          "\(printable(file)) is there already, with other keys: look at it and move it away")
      }
      return nil
    }
    let question = "Trust \(useful.count == 1 ? "this key" : "these keys") of \(instance.url)"
    guard fetching.isConfirmed(question) else { throw ExitCode.failure }
    return useful
  }

  /// Those keys that the instance serves, each once, and that serve its algorithms.
  private func usefulKeys(of instance: InstanceSettings) async throws -> [VerificationKey] {
    var useful: [VerificationKey] = []
    for key in try await fetching.fetchKeys(of: instance)
    where !useful.contains(where: { $0.thumbprint == key.thumbprint }) {
      let isUseful = instance.algorithms.contains(where: key.serves)
      printKey(isUseful ? "  key" : "  useless", key)
      if isUseful { useful.append(key) }
    }
    guard !useful.isEmpty else {
      let algorithms = instance.algorithms.map(\.rawValue).joined(separator: ", ")
      throw CommandError.configuration(
        "none of these keys serves \(algorithms): is \(instance.url) the right address?")
    }
    return useful
  }

  // MARK: Changing

  private func change(
    _ configuration: SetupConfiguration, _ keys: [VerificationKey]?, _ user: ServiceUser,
    _ webServer: WebServerFiles
  ) async throws {
    // Not to be ended half way. What a kill leaves is completed by the next run.
    for number in [SIGINT, SIGTERM, SIGHUP] { signal(number, SIG_IGN) }
    var changes = UndoableChanges()
    var services = try await Services(webServer.served)
    do {
      if let keys {
        var set = JSONWebKeySet()
        for key in keys { set.add(key, fetchedAt: .now()) }
        let file = configuration.instance.keyFiles[0]
        // The question may have been answered long after it was asked.
        guard try fileIfThere(file) == nil else {
          throw CommandError(
            "\(printable(file)) was made meanwhile: run this again", exitCode: EX_TEMPFAIL)
        }
        try changes.write(set.text, to: file)
      }
      try configuration.write(into: &changes)
      let spool = configuration.settings.spool
      try changes.makeFolder(spool)
      try changes.give(spool, to: user)
      let remark = try webServer.write(into: &changes)
      let systemd = SystemdFiles(spool: spool, user: user)
      let areUnitsChanged = try systemd.write(into: &changes)
      try await user.checkConfiguration(configuration.path)
      try await services?.apply(areUnitsChanged: areUnitsChanged)
      for path in changes.paths { printChange("changed: \(printable(path))") }
      if let remark { printChange(remark) }
      printChange("checked as the user \(user.name): good")
    } catch {
      changes.undo()
      await services?.restore()
      throw error
    }
  }

  private func printSteps(_ webServer: WebServerFiles) {
    printChange("\nWhat remains:")
    for step in webServer.remainingSteps { printChange("  \(step)") }
    printChange("  Register the hooks with Delve (delve.json):")
    let members = delveJSON(baseURL: webServer.hooks.text)
    printChange(String(decoding: jsonLine(members).dropLast(), as: UTF8.self))
  }
}
