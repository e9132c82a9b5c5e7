internal import CommandLineProgram
internal import CPostgreSQL

/// A connection URI of libpq (its manual, §34.1.1.2) that holds no password: anybody who lists
/// processes or reads a unit file would see it.
struct ConnectionURI {
  let text: String

  init(_ text: String) throws(CommandError) {
    guard let options = PQconninfoParse(text, nil) else {
      throw .usage("--to is not a connection URI that libpq understands")
    }
    defer { PQconninfoFree(options) }
    var next = options
    while let keyword = next.pointee.keyword {
      if next.pointee.val != nil, ["password", "sslpassword"].contains(String(cString: keyword)) {
        throw .usage("--to must not hold a password: put it into ~/.pgpass or a service file")
      }
      next += 1
    }
    self.text = text
  }
}
