/// A deadline that no test comes near, however busy the machine is.
package var soon: ContinuousClock.Instant { .now + .seconds(600) }

/// Waits until `condition` holds, or until the deadline that no test comes near. `#expect` around it
/// then says, in the condition's own words, what was waited for.
package func eventually(_ condition: () async throws -> Bool) async throws -> Bool {
  let deadline = soon
  while ContinuousClock.now < deadline {
    if try await condition() { return true }
    try await Task.sleep(for: .milliseconds(20))
  }
  return try await condition()
}
