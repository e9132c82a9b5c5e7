internal import CCurl
internal import CPostgreSQL

/// Name and version of libpq in use (PQlibVersion: major version times 10,000, plus the minor one).
var postgreSQLVersion: String {
  let version = PQlibVersion()
  return "libpq \(version / 10_000).\(version % 10_000)"
}

/// Names and versions of libcurl in use and what it uses (curl_version(3)).
var curlVersion: String { String(cString: curl_version()) }
