/// A deadline that no test comes near, however busy the machine is.
package var soon: ContinuousClock.Instant { .now + .seconds(600) }

/// Waits until `condition` holds, or until the deadline that no test comes near and at least a thousand
/// looks: on a machine that stands still for minutes, time alone says nothing. `#expect` around it then
/// says, in the condition's own words, what was waited for.
package func eventually(_ condition: () async throws -> Bool) async throws -> Bool {
  let deadline = soon
  var looks = 0
  while looks < 1_000 || ContinuousClock.now < deadline {
    if try await condition() { return true }
    looks += 1
    try await Task.sleep(for: .milliseconds(20))
  }
  return try await condition()
}
