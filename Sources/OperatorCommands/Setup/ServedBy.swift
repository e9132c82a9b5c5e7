internal import ArgumentParser

/// The web server in front, and the way in which it runs the responder.
enum ServedBy: String, CaseIterable, ExpressibleByArgument {
  case nginx, apache
  case apacheFcgid = "apache-fcgid"
  case apacheCGI = "apache-cgi"

  /// Whether the responder is a service of its own. If not, the web server starts it as its own
  /// user.
  var hasService: Bool { self == .nginx || self == .apache }

  /// The user that the responder runs as, and so the spool's owner: the first of these that there
  /// is.
  var users: [String] { hasService ? ["delve-webhook"] : ["www-data", "apache", "http"] }

  /// The server's folder in this repository, and below `share/delve-webhook`.
  var snippets: String { self == .nginx ? "nginx" : "apache" }

  /// Where the server has its configuration: the first of these that there is, else the first.
  var configurationFolders: [String] {
    self == .nginx ? ["/etc/nginx"] : ["/etc/apache2", "/etc/httpd"]
  }

  /// The path that all hooks must lie below.
  var requiredPath: String? { self == .nginx ? nil : "/webhooks/delve" }

  /// What is left to do in the web server.
  /// - Parameter folder: its configuration's.
  func remainingSteps(in folder: String) -> [String] {
    switch self {
    case .nginx:
      [
        "In nginx, once, in the server block that has your certificate:",
        "    include delve-webhook/locations.conf;",
        "Then: nginx -t && systemctl reload nginx",
      ]
    case .apache: apacheSteps("proxy", modules: "proxy_fcgi headers", folder)
    case .apacheFcgid: apacheSteps("fcgid", modules: "fcgid", folder)
    // mod_cgid has no daemon before Apache starts anew.
    case .apacheCGI: apacheSteps("cgi", modules: "cgid", folder, isReloaded: false)
    }
  }

  private func apacheSteps(
    _ way: String, modules: String, _ folder: String, isReloaded: Bool = true
  ) -> [String] {
    guard folder == "/etc/apache2" else {
      return [
        "In Apache, once, in the virtual host that has your certificate:",
        "    Include delve-webhook/\(way).conf",
        "Then: apachectl configtest && apachectl \(isReloaded ? "graceful" : "restart")",
      ]
    }
    return [
      "For all virtual hosts of Apache, once:",
      "    a2enmod \(modules) && a2enconf delve-webhook-\(way)",
      "Or, for one of them: Include delve-webhook/\(way).conf",
      "Then: apachectl configtest && systemctl \(isReloaded ? "reload" : "restart") apache2",
    ]
  }
}
