internal import CLinux
internal import Glibc

/// The commit that the programs were built from, with `-modified` behind it if files were changed;
/// `unknown` without a repository.
package let buildCommit = String(cString: clinux_build_commit())

/// The file of the shared library that a C function lies in, links followed.
package func libraryFile(of function: UnsafeRawPointer) -> String? {
  guard let name = clinux_library_of(function), let path = realpath(name, nil) else { return nil }
  defer { free(path) }
  return String(cString: path)
}
