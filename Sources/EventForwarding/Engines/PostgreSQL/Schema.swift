/// The table that events are inserted into. Every statement may be run again; a later version adds
/// further ones. `event` is `json`, not `jsonb`: numbers stay as spelled, and a string may hold
/// U+0000.
let schema = [
  """
  CREATE TABLE IF NOT EXISTS delve_event (
    source text NOT NULL,
    id text NOT NULL,
    eventkey text NOT NULL,
    type text NOT NULL,
    subject text NOT NULL,
    "time" timestamptz NOT NULL,
    recordedtime timestamptz NOT NULL,
    instance text NOT NULL,
    event json NOT NULL,
    PRIMARY KEY (source, id)
  );
  """
]

/// Inserts some events: each of the nine arrays holds one attribute of all of them. In the order of
/// the key, so that two that insert the same events do not wait for each other in a circle. The key
/// is named, so that a table without it is refused, and a conflict with another constraint is an
/// error.
let insertStatement = """
  INSERT INTO delve_event
    (source, id, eventkey, type, subject, "time", recordedtime, instance, event)
  SELECT source, id, eventkey, type, subject, "time"::timestamptz, recordedtime::timestamptz,
    instance, event::json
  FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
    $8::text[], $9::text[])
    AS arrived (source, id, eventkey, type, subject, "time", recordedtime, instance, event)
  ORDER BY source, id
  ON CONFLICT (source, id) DO NOTHING
  """

/// How many of some keys are not there. Its two parameters are the first of `insertStatement`.
let missingStatement = """
  SELECT count(*) FROM unnest($1::text[], $2::text[]) AS arrived (source, id)
  WHERE NOT EXISTS (
    SELECT FROM delve_event AS e WHERE e.source = arrived.source AND e.id = arrived.id)
  """

/// The parameters of `insertStatement`: an array of PostgreSQL each (its manual, §8.15.6).
func insertParameters(of events: [OutgoingEvent]) -> [[UInt8]] {
  let attributes = [
    \.source, \.id, \.eventKey, \.type, \.subject, \.time, \.recordedTime, \OutgoingEvent.instance,
  ]
  return attributes.map { attribute in arrayText(events.map { Array($0[keyPath: attribute].utf8) })
  }
    + [arrayText(events.map(\.json))]
}

/// The text of a `text[]` with these elements.
func arrayText(_ elements: [[UInt8]]) -> [UInt8] {
  var text: [UInt8] = [UInt8(ascii: "{")]
  text.reserveCapacity(elements.reduce(2) { $0 + $1.count + $1.count / 4 + 3 })
  for (index, element) in elements.enumerated() {
    if index > 0 { text.append(UInt8(ascii: ",")) }
    text.append(UInt8(ascii: "\""))
    for byte in element {
      if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
        text.append(UInt8(ascii: "\\"))
      }
      text.append(byte)
    }
    text.append(UInt8(ascii: "\""))
  }
  text.append(UInt8(ascii: "}"))
  return text
}
