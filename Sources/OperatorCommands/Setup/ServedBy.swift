internal import ArgumentParser
internal import Glibc

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
    guard let apache else {
      return [
        "In nginx, once, in the server block that has your certificate:",
        "    include delve-webhook/locations.conf;",
        "Then: nginx -t && systemctl reload nginx",
      ]
    }
    // mod_cgid has no daemon before Apache starts anew.
    let restart = self == .apacheCGI
    let file = "conf-available/delve-webhook-\(apache.way).conf"
    guard access("\(folder)/\(file)", F_OK) == 0 else {
      return [
        "In Apache, once, with its modules \(apache.modules), in the virtual host that has your "
          + "certificate:",
        "    Include delve-webhook/\(apache.way).conf",
        "Then: apachectl configtest && apachectl \(restart ? "restart" : "graceful")",
      ]
    }
    let others = Self.allCases.compactMap(\.apache?.way).filter {
      $0 != apache.way
        && access("\(folder)/conf-enabled/delve-webhook-\($0).conf", F_OK) == 0
    }
    let disabling = others.map { "a2disconf delve-webhook-\($0) && " }.joined()
    return [
      "For all virtual hosts of Apache, once:",
      "    \(disabling)a2enmod \(apache.modules) && a2enconf delve-webhook-\(apache.way)",
      "Or, for one of them: Include delve-webhook/\(apache.way).conf",
      "Then: apachectl configtest && systemctl \(restart ? "restart" : "reload") apache2",
    ]
  }

  /// How Apache runs the responder, and the modules that it needs for that.
  private var apache: (way: String, modules: String)? {
    switch self {
    case .nginx: nil
    case .apache: ("proxy", "proxy_fcgi headers")
    case .apacheFcgid: ("fcgid", "fcgid")
    case .apacheCGI: ("cgi", "cgid")
    }
  }

  /// The server's program, where Debian and others have it.
  private var programs: [String] {
    self == .nginx
      ? ["/usr/sbin/nginx", "/usr/bin/nginx"] : ["/usr/sbin/apache2", "/usr/sbin/httpd"]
  }

  var isInstalled: Bool { programs.contains { access($0, X_OK) == 0 } }
}
