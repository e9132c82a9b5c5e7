internal import EventSpool
internal import LinuxSystem
internal import OpenSSLCrypto
internal import WebhookConfiguration
internal import WebhookCore

/// The text that `--version` of a command line prints.
/// - Parameter libraries: name and version of each library that only this program uses.
package func commandVersionText(of program: String, libraries: [String] = []) -> String {
  versionText(
    of: program, commit: buildCommit, libraries: [openSSLVersion, yamlVersion] + libraries,
    spoolFormat: SpoolLayout.formatNumber)
}
