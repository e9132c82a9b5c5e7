/// The version of the programs. Packages take it from here.
package let programVersion = "0.2.0"

/// The text that `--version` prints.
/// - Parameters:
///   - libraries: name and version of each library in use.
///   - spoolFormat: the number of the spool's layout that this version reads and writes.
package func versionText(
  of program: String, commit: String, libraries: [String], spoolFormat: Int
) -> String {
  (["\(program) \(programVersion)", "commit \(commit)"] + libraries
    + ["spool format \(spoolFormat)"]).joined(separator: "\n")
}
