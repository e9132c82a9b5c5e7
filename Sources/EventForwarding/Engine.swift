internal import CommandLineProgram
internal import ServiceProcess

/// The engines that events can be handed on to: one row each. Another engine is a folder below
/// `Engines` and a row.
struct Engine: Sendable {
  /// Those options of the command line that are not for every engine.
  enum Option: String, CaseIterable {
    case prepare
    case headerFile = "header-file"
    case caFile = "ca-file"
  }

  /// How its addresses begin.
  let schemes: [String]
  let options: Set<Option>
  /// - Throws: `CommandError`
  let make: @Sendable (Settings) throws(CommandError) -> any EventTarget

  /// What an engine is made of.
  struct Settings {
    /// Begins with one of the engine's schemes.
    let address: String
    /// Of one request, connection or statement.
    let timeLimitSeconds: Int
    /// Requests at the same time.
    let jobs: Int
    let headerFile: String?
    let caFile: String?
    let log: Log
  }

  static let all = [
    Engine(schemes: ["postgresql://", "postgres://"], options: [.prepare]) {
      settings throws(CommandError) in
      PostgreSQLTarget(
        try ConnectionURI(settings.address), timeLimitSeconds: settings.timeLimitSeconds,
        settings.log)
    },
    Engine(schemes: ["https://", "http://"], options: [.headerFile, .caFile]) {
      settings throws(CommandError) in
      try HTTPTarget(
        .init(
          url: TargetURL(settings.address), caFile: settings.caFile.map(CertificateFile.init),
          timeLimitSeconds: settings.timeLimitSeconds),
        headerFile: settings.headerFile.map(HeaderFile.init), jobs: settings.jobs)
    },
  ]

  /// The engine that takes this address; nil if there is none.
  static func taking(_ address: String) -> Engine? {
    all.first { $0.schemes.contains { address.lowercased().hasPrefix($0) } }
  }

  /// The schemes of those engines that have this option, or of all.
  static func schemes(with option: Option? = nil) -> String {
    all.filter { engine in option.map(engine.options.contains) ?? true }
      .map { "\($0.schemes[0])…" }.joined(separator: " or ")
  }
}
