internal import Glibc

/// A lock, and a signal to threads that wait for what it protects to change
/// (pthread_cond_wait(3)). `Synchronization.Mutex` has no such signal.
///
/// Unchecked because the pointers never change, and what they point to is for several threads.
package final class ConditionVariable: @unchecked Sendable {
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

  package init() {
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(condition, nil)
  }

  deinit {
    pthread_cond_destroy(condition)
    pthread_mutex_destroy(mutex)
    condition.deallocate()
    mutex.deallocate()
  }

  package func lock() { pthread_mutex_lock(mutex) }
  package func unlock() { pthread_mutex_unlock(mutex) }

  /// Lets go of the lock until a signal comes, and takes it again. The caller holds it; a wait may
  /// also end without a signal.
  package func wait() { pthread_cond_wait(condition, mutex) }

  /// Wakes one of those that wait. Best after `unlock`: woken before, it would only wait for the
  /// lock.
  package func signal() { pthread_cond_signal(condition) }
}
