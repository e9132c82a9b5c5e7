internal import COpenSSL

/// Name, version and date of the OpenSSL in use (OpenSSL_version(3)).
package var openSSLVersion: String { String(cString: OpenSSL_version(OPENSSL_VERSION)) }
