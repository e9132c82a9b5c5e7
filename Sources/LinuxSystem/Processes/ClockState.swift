internal import CLinux

/// Whether the wall clock is kept right by somebody (adjtimex(2)); nil if that cannot be told.
package func isClockSynchronised() -> Bool? {
  let state = clinux_is_clock_synchronised()
  return state < 0 ? nil : state == 1
}
