#define _GNU_SOURCE 1

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Linked into every program that is tested under a sanitizer, so its options hold whatever environment
 * the program is started with. It is not instrumented itself. */

#define OPTIONS "log_path=" LOG_PATH ":log_exe_name=1:exitcode=66:external_symbolizer_path=" SYMBOLIZER

#ifdef FOR_address

const char *__asan_default_options(void) { return OPTIONS ":print_suppressions=0"; }

/* Whether another process traces this one, as strace(1) does. */
static int is_traced(void) {
  char text[4096] = "";
  int file = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  ssize_t count = read(file, text, sizeof text - 1);
  close(file);
  return count > 0 && strstr(text, "TracerPid:\t0\n") == NULL;
}

/* Leaks count in the programs, and not in the runner of the tests: what tests keep in constants is
 * held by pointers with marks in spare bits, which the sanitizer does not know, and Foundation loses
 * some memory of its own. A process that is traced cannot look for them, for that takes a tracer. */
int __lsan_is_turned_off(void) {
  return strstr(program_invocation_short_name, ".xctest") != NULL || is_traced();
}

/* The argument parser loses a path of names, of 48 bytes, for some wrong command lines. */
const char *__lsan_default_suppressions(void) { return "leak:ArgumentParser8InputKey\n"; }

#endif

#ifdef FOR_undefined
const char *__ubsan_default_options(void) { return OPTIONS ":halt_on_error=1:print_stacktrace=1"; }
#endif

#ifdef FOR_thread

const char *__tsan_default_options(void) { return OPTIONS; }

/* Synchronization.Mutex. What a lock does without waiting is compiled into our own code, so the
 * sanitizer knows it. What it does once threads wait for each other lies in Swift's library, which is
 * not compiled for the sanitizer. The functions below stand in front of it (`--wrap`, ld(1)) and say
 * what is acquired and released. Without them, everything that a contended mutex guards is reported;
 * and a suppression that hides those reports would hide a real race, too. */

void __tsan_acquire(void *address);
void __tsan_release(void *address);

#define METHOD __attribute__((swiftcall))
#define SELF __attribute__((swift_context)) void *self
#define MUTEX_HANDLE "$s15Synchronization12_MutexHandleV"
#define NAMED(prefix, name) __asm__(prefix MUTEX_HANDLE name)

METHOD void lock_slowly(unsigned thread, SELF) NAMED("__real_", "9_lockSlowyys6UInt32VF");
METHOD void lock_known(unsigned thread, SELF) NAMED("__wrap_", "9_lockSlowyys6UInt32VF");
METHOD _Bool try_slowly(SELF) NAMED("__real_", "12_tryLockSlowSbyF");
METHOD _Bool try_known(SELF) NAMED("__wrap_", "12_tryLockSlowSbyF");
METHOD void unlock_slowly(SELF) NAMED("__real_", "11_unlockSlowyyF");
METHOD void unlock_known(SELF) NAMED("__wrap_", "11_unlockSlowyyF");

METHOD void lock_known(unsigned thread, SELF)
{
    lock_slowly(thread, self);
    __tsan_acquire(self);
}

METHOD _Bool try_known(SELF)
{
    _Bool is_locked = try_slowly(self);
    if (is_locked)
        __tsan_acquire(self);
    return is_locked;
}

METHOD void unlock_known(SELF)
{
    __tsan_release(self);
    unlock_slowly(self);
}

#endif
