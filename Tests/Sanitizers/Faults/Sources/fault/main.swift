import CFaults
import Glibc
import Synchronization

/// Runs `body` on four threads at the same time.
func onThreads(_ body: @escaping @Sendable () -> Void) {
  final class Box: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }
  let threads = (0..<4).map { _ in
    var thread = pthread_t()
    pthread_create(
      &thread, nil,
      {
        if let box = $0 { Unmanaged<Box>.fromOpaque(box).takeRetainedValue().body() }
        return nil
      }, Unmanaged.passRetained(Box(body)).toOpaque())
    return thread
  }
  for thread in threads { pthread_join(thread, nil) }
}

nonisolated(unsafe) var unguarded = 0

/// Threads wait for each other at this mutex, again and again.
func useMutex() {
  let guarded = Mutex([Int]())
  onThreads {
    for number in 0..<20_000 {
      guarded.withLock { $0 = $0.count < 100 ? $0 + [number] : [] }
    }
  }
}

func useFreedMemory() {
  let number = UnsafeMutablePointer<Int>.allocate(capacity: 1)
  number.initialize(to: 1)
  number.deallocate()
  print(number.pointee)
}

/// Nothing points to it any more, also not what is left on the stack.
@inline(never) func leak() {
  for _ in 0..<100 { memset(malloc(100), 1, 100) }
}

switch CommandLine.arguments.last {
case "none": useMutex()
case "race": onThreads { for _ in 0..<1_000 { unguarded += 1 } }
case "freed": useFreedMemory()
case "freed-in-c": print(cfaults_use_after_free())
case "leak": leak()
case "overflow-in-source": print(cfaults_overflow_in_source(CommandLine.argc))
case "overflow-in-header": print(cfaults_overflow_in_header(CommandLine.argc))
default: exit(64)
}
