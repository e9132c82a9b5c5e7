/// What a location of the web server is for, by the parameters that its configuration sets.
package enum Route: Sendable {
  /// With a hook, only events of that kind are taken.
  case delivery(Instance, Hook?)
  case healthCheck([Instance])
  /// What the program does is shown, as far as it concerns these instances.
  case observation(Observation, [Instance])

  /// What a location shows (`DELVE_HOOK`).
  package enum Observation: String, CaseIterable, Sendable {
    /// Numbers for Prometheus.
    case metrics
    /// A page for a person.
    case status
  }

  /// - Parameters:
  ///   - instance: every `DELVE_INSTANCE` that came; may be absent if only one instance is
  ///     configured.
  ///   - hook: every `DELVE_HOOK` that came; absent: any event; `health`, `metrics`, `status`: no
  ///     hook, but of all instances if none is named.
  /// - Throws: `misconfigured`.
  package init(
    instance: [[UInt8]], hook: [[UInt8]], among instances: [Instance]
  ) throws(Refusal) {
    let named = try single(instance, of: .instance).map { (name) throws(Refusal) -> Instance in
      guard let match = instances.first(where: { $0.name.description.utf8.elementsEqual(name) })
      else { throw Refusal(.misconfigured, .parameter(.instance, .unknown)) }
      return match
    }
    let hook = try single(hook, of: .hook)
    let shown = named.map { [$0] } ?? instances
    if let hook, hook.elementsEqual("health".utf8) {
      self = .healthCheck(shown)
      return
    }
    if let hook,
      let observation = Observation.allCases.first(where: { hook.elementsEqual($0.rawValue.utf8) })
    {
      self = .observation(observation, shown)
      return
    }
    let kind = try hook.map { (name) throws(Refusal) -> Hook in
      guard let match = Hook.allCases.first(where: { $0.rawValue.utf8.elementsEqual(name) })
      else { throw Refusal(.misconfigured, .parameter(.hook, .unknown)) }
      return match
    }
    guard let only = named ?? (instances.count == 1 ? instances.first : nil) else {
      throw Refusal(.misconfigured, .parameter(.instance, .missing))
    }
    self = .delivery(only, kind)
  }

  /// Whether the method fits: POST for a delivery, GET or HEAD for anything else.
  package func checkMethod(_ method: [UInt8]) throws(Refusal) {
    let allowed: Refusal.AllowedMethods
    let names: [String]
    switch self {
    case .delivery: (allowed, names) = (.delivery, ["POST"])
    case .healthCheck, .observation: (allowed, names) = (.reading, ["GET", "HEAD"])
    }
    guard names.contains(where: { $0.utf8.elementsEqual(method) }) else {
      throw Refusal(.method, .allowed(allowed))
    }
  }
}

/// The one value of a parameter that only the web server's configuration sets; nil if it is absent.
private func single(
  _ values: [[UInt8]], of parameter: Refusal.Parameter
) throws(Refusal) -> [UInt8]? {
  guard values.count <= 1 else { throw Refusal(.misconfigured, .parameter(parameter, .repeated)) }
  guard values != [[]] else { throw Refusal(.misconfigured, .parameter(parameter, .empty)) }
  return values.first
}
