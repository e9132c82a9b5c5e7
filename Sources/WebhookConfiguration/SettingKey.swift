internal import WebhookCore

/// The keys of the configuration file. `facts` has a row for each.
package enum SettingKey: String, CaseIterable, Sendable {
  case spool, instances
  case maxAgeSeconds = "max-age-seconds"
  case clockSkewSeconds = "clock-skew-seconds"
  case body
  case maxBodyBytes = "max-body-bytes"
  case maxTokenBytes = "max-token-bytes"
  case workers
  case minimumFreeBytes = "minimum-free-bytes"
  case slowMilliseconds = "slow-ms"
  case keepRefused = "keep-refused"
  case keyReports = "key-reports"
  case url, keys
  case keyLocation = "key-location"
  case algorithms
  case xSignature = "x-signature"
  case audience

  package enum Place: Sendable {
    /// At the top level of the file.
    case top
    /// In each instance.
    case instance
  }

  /// What a value must be, and what stands for one that is absent.
  package enum Form: Sendable {
    case mapping
    /// A text that is not empty. Without a default it is required.
    case text(default: String?)
    /// One text, or a list of 1 to `most`. Without a default it is required.
    case texts(most: Int, default: [String]?)
    case number(ClosedRange<Int>, default: Int)
    case choice([String], default: String)
  }

  package struct Facts: Sendable {
    package let place: Place
    package let form: Form
    /// Whether a change is applied when the configuration is read again. Else it needs a restart.
    package let isAppliedByReload: Bool

    fileprivate init(_ place: Place, _ form: Form, needsRestart: Bool = false) {
      (self.place, self.form, isAppliedByReload) = (place, form, !needsRestart)
    }
  }

  package var facts: Facts {
    switch self {
    case .spool: Facts(.top, .text(default: nil), needsRestart: true)
    case .instances: Facts(.top, .mapping)
    case .maxAgeSeconds:
      Facts(
        .top,
        .number(
          1...Int(Freshness.longestMaxAgeSeconds),
          default: Int(DeliveryPolicy().freshness.maxAgeSeconds)))
    case .clockSkewSeconds:
      Facts(.top, .number(0...3_600, default: Int(DeliveryPolicy().freshness.clockSkewSeconds)))
    case .body:
      Facts(
        .top,
        .choice(BodyPolicy.allCases.map(\.rawValue), default: DeliveryPolicy().body.rawValue))
    case .maxBodyBytes:
      Facts(.top, .number(0...16_777_216, default: DeliveryPolicy().maxBodyBytes))
    case .maxTokenBytes:
      Facts(
        .top,
        .number(256...DeliveryPolicy.largestMaxTokenBytes, default: DeliveryPolicy().maxTokenBytes))
    case .workers: Facts(.top, .number(1...256, default: 16), needsRestart: true)
    case .minimumFreeBytes: Facts(.top, .number(0...Int.max, default: 67_108_864))
    case .keepRefused: Facts(.top, .number(0...100, default: 0))
    case .keyReports: Facts(.top, .text(default: "/var/lib/delve-webhook-keys"))
    case .slowMilliseconds: Facts(.top, .number(0...10_000, default: 1_000))
    case .url: Facts(.instance, .text(default: nil))
    case .keys: Facts(.instance, .texts(most: 16, default: nil))
    case .keyLocation:
      Facts(.instance, .texts(most: 8, default: [XSignatureRule.defaultKeyLocation]))
    case .algorithms:
      Facts(
        .instance,
        .texts(
          most: SignatureAlgorithm.allCases.count, default: [SignatureAlgorithm.es512.rawValue]))
    case .xSignature:
      Facts(
        .instance,
        .choice(
          XSignatureRule.Policy.allCases.map(\.rawValue),
          default: XSignatureRule.Policy.require.rawValue))
    case .audience: Facts(.instance, .texts(most: 64, default: []))
    }
  }

  /// The keys of this place, in the order of the table.
  package static func all(in place: Place) -> [SettingKey] {
    allCases.filter { $0.facts.place == place }
  }
}
