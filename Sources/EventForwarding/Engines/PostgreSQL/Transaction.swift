/// The transaction that events are inserted in. All that its COMMIT shall promise is asked for and
/// looked at in it, not once for a connection: settings change while a server runs, and a pooler
/// may give each transaction another session, and the session to others after it.
struct Transaction {
  /// Begins one, for this transaction only, in one round trip, with
  /// - a COMMIT that waits for the disk and for those standbys that it must wait for,
  /// - limits that let the server give up before we do, first on a lock,
  ///
  /// and tells what the server promises. Partitions are not locked.
  static func beginning(timeLimitSeconds: Int) -> String {
    """
    BEGIN;
    SELECT
      set_config('synchronous_commit', CASE current_setting('synchronous_commit')
        WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, true),
      set_config('lock_timeout', '\(timeLimitSeconds * 900)ms', true),
      set_config('statement_timeout', '\(timeLimitSeconds * 950)ms', true),
      current_setting('fsync', true),
      current_setting('server_encoding'),
      to_regclass('delve_event'),
      (WITH RECURSIVE parts (oid) AS (
          SELECT oid FROM pg_catalog.pg_class WHERE oid = to_regclass('delve_event')
        UNION ALL
          SELECT child.oid
          FROM parts JOIN pg_catalog.pg_inherits ON inhparent = parts.oid
            JOIN pg_catalog.pg_class AS child ON child.oid = inhrelid
          WHERE relispartition)
        SELECT min(oid::regclass::text)
        FROM parts JOIN pg_catalog.pg_class USING (oid)
        WHERE relpersistence <> 'p')
    """
  }

  private let fsync, encoding: String?
  /// Nil if there is none.
  private let table: String?
  /// The table or a partition of it, if the server does not log what is in it.
  private let unlogged: String?

  /// - Parameter row: what the beginning gave; nil if it is of another form.
  init?(_ row: [String?]) {
    guard row.count == 7 else { return nil }
    (fsync, encoding, table, unlogged) = (row[3], row[4], row[5], row[6])
  }

  /// Why a COMMIT promises less than a 2xx did, or why every row would be rejected; nil if nothing
  /// speaks against it.
  var problem: String? {
    if fsync == "off" {
      return "fsync is off: what the server has promised could be lost. Remedy: fsync = on in its "
        + "configuration"
    }
    if let encoding, encoding != "UTF8" {
      return "the database's encoding is \(oneLine(encoding)), which cannot hold every event. "
        + "Remedy: a database with ENCODING 'UTF8'"
    }
    guard let table else { return "there is no table delve_event: make it with --prepare" }
    if let unlogged {
      let name = oneLine(unlogged)
      let place = unlogged == table ? "the table \(name)" : "\(name), a partition of delve_event,"
      return "\(place) is not logged: a crash of the server would empty it. Remedy: "
        + "ALTER TABLE \(name) SET LOGGED"
    }
    return nil
  }
}
