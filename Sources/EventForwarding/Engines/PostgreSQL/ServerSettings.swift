/// What a server promises with a COMMIT, as far as it tells.
struct ServerSettings {
  /// Its parameter is the time limit on locks, which it sets for the session.
  static let statement = """
    SELECT current_setting('synchronous_commit'), current_setting('fsync', true),
      current_setting('server_encoding'),
      (SELECT relpersistence FROM pg_catalog.pg_class WHERE oid = to_regclass('delve_event')),
      set_config('lock_timeout', $1, false)
    """

  private let synchronousCommit, fsync, encoding: String?
  /// `p` for a table that is logged; nil if there is no table.
  private let persistence: String?

  /// - Parameter row: the statement's; nil if it is of another form.
  init?(_ row: [String?]) {
    guard row.count == 5 else { return nil }
    (synchronousCommit, fsync, encoding, persistence) = (row[0], row[1], row[2], row[3])
  }

  /// Why a COMMIT promises less than a 2xx did, or why every row would be rejected; nil if nothing
  /// speaks against it.
  var problem: String? {
    if synchronousCommit == "off" {
      return "synchronous_commit is off: what the server has promised could be lost. Remedy: "
        + "ALTER ROLE … SET synchronous_commit = on"
    }
    if fsync == "off" {
      return "fsync is off: what the server has promised could be lost. Remedy: fsync = on in its "
        + "configuration"
    }
    if let encoding, encoding != "UTF8" {
      return "the database's encoding is \(oneLine(encoding)), which cannot hold every event. "
        + "Remedy: a database with ENCODING 'UTF8'"
    }
    guard let persistence else { return "there is no table delve_event: make it with --prepare" }
    if persistence != "p" {
      return "the table delve_event is not logged: a crash of the server would empty it. Remedy: "
        + "ALTER TABLE delve_event SET LOGGED"
    }
    return nil
  }
}
