internal import WebhookCore

/// The value of a setting; its default if the file has none.
package enum SettingValue: Equatable, Sendable {
  case number(Int)
  case text(String)
  case texts([String])
}

extension Settings {
  /// The value in force of each key at the top level, in the order of the table, but of `instances`.
  package var values: [(key: SettingKey, value: SettingValue)] {
    SettingKey.all(in: .top).compactMap { key in value(of: key).map { (key, $0) } }
  }

  private func value(of key: SettingKey) -> SettingValue? {
    switch key {
    case .spool: .text(spool)
    case .maxAgeSeconds: .number(Int(policy.freshness.maxAgeSeconds))
    case .clockSkewSeconds: .number(Int(policy.freshness.clockSkewSeconds))
    case .body: .text(policy.body.rawValue)
    case .maxBodyBytes: .number(policy.maxBodyBytes)
    case .maxTokenBytes: .number(policy.maxTokenBytes)
    case .workers: .number(workers)
    case .minimumFreeBytes: .number(minimumFreeBytes)
    case .slowMilliseconds: .number(slowMilliseconds)
    case .keepRefused: .number(keptRefused)
    case .keyReports: .text(keyReports)
    case .instances, .url, .keys, .keyLocation, .algorithms, .xSignature, .audience: nil
    }
  }
}

extension InstanceSettings {
  /// The value in force of each key of an instance, in the order of the table.
  package var values: [(key: SettingKey, value: SettingValue)] {
    SettingKey.all(in: .instance).compactMap { key in value(of: key).map { (key, $0) } }
  }

  private func value(of key: SettingKey) -> SettingValue? {
    switch key {
    case .url: .text(url)
    case .keys: .texts(keyFiles)
    case .keyLocation: .texts(xSignature.keyLocations.map { String(decoding: $0, as: UTF8.self) })
    case .algorithms: .texts(algorithms.map(\.rawValue))
    case .xSignature: .text(xSignature.policy.rawValue)
    case .audience: .texts(audience)
    case .spool, .instances, .maxAgeSeconds, .clockSkewSeconds, .body, .maxBodyBytes,
      .maxTokenBytes, .workers, .minimumFreeBytes, .slowMilliseconds, .keepRefused, .keyReports:
      nil
    }
  }
}
