internal import Glibc
internal import WebhookConfiguration

/// The configuration's path: the option, else `$DELVE_WEBHOOK_CONFIG`, else the default.
func configurationPath(_ option: String?) -> String {
  option ?? getenv("DELVE_WEBHOOK_CONFIG").map { String(cString: $0) } ?? Settings.defaultPath
}
