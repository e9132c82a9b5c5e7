/// A deadline that no test comes near, however busy the machine is.
package var soon: ContinuousClock.Instant { .now + .seconds(600) }
