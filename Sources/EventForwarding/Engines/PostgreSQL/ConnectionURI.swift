internal import CommandLineProgram
internal import CPostgreSQL

/// A connection URI of libpq (its manual, §34.1.1.2) that holds no password: anybody who lists
/// processes or reads a unit file would see it.
struct ConnectionURI {
  let text: String
  /// Host, port and database.
  let name: String

  init(_ text: String) throws(CommandError) {
    guard let options = PQconninfoParse(text, nil) else {
      throw .usage("--to is not a connection URI that libpq understands")
    }
    defer { PQconninfoFree(options) }
    var next = options
    var values: [String: String] = [:]
    while let keyword = next.pointee.keyword {
      if let value = next.pointee.val { values[String(cString: keyword)] = String(cString: value) }
      next += 1
    }
    guard values["password"] == nil, values["sslpassword"] == nil else {
      throw .usage("--to must not hold a password: put it into ~/.pgpass or a service file")
    }
    self.text = text
    // Of several hosts without ports, there are only the commas.
    let port = values["port"].flatMap { $0.allSatisfy { $0 == "," } ? nil : ":\($0)" } ?? ""
    name = "postgresql://\(values["host"] ?? "")\(port)/\(values["dbname"] ?? "")"
  }
}
