/* Thin wrappers for Swift, without logic, for calls that glibc declares only under _GNU_SOURCE and
 * for variadic functions and macros. Do not include a GNU header here: a module that sees two
 * versions of one struct does not build. On failure, each function returns -1 and sets errno, as
 * the call that it wraps. */
#ifndef CLINUX_H
#define CLINUX_H

#include <stdint.h>

/* The commit that this was built from, as Package.swift says */
const char *clinux_build_commit(void);

/* dladdr(3): the file of the shared library that a function lies in, or NULL */
const char *clinux_library_of(const void *function);

/* open(2) */
extern const int32_t clinux_O_TMPFILE;
extern const int32_t clinux_O_PATH;
extern const int32_t clinux_AT_EMPTY_PATH;

/* fcntl(2), "Open file description locks": takes or releases an exclusive lock on `length` bytes
 * from `start`. Taking it does not wait: EAGAIN if somebody else has it. */
int clinux_lock_range(int descriptor, int64_t start, int64_t length);
int clinux_unlock_range(int descriptor, int64_t start, int64_t length);

/* renameat2(2) with RENAME_NOREPLACE: EEXIST if the target exists already */
int clinux_rename_new(int from, const char *name, int to, const char *target);

/* accept4(2) with SOCK_CLOEXEC and SOCK_NONBLOCK */
int clinux_accept(int listener);

/* signalfd(2) with SFD_CLOEXEC and SFD_NONBLOCK for `count` signals. It also blocks them in the
 * calling thread. clinux_read_signal returns one of them, or -1. */
int clinux_signal_descriptor(const int *signals, int count);
int clinux_read_signal(int descriptor);

/* sigaction(2): 1 if the signal is ignored, else 0 */
int clinux_is_ignored(int signal);

/* epoll(7), always for reading; `is_one_shot` disarms the descriptor after its first
 * event; `is_at_once` reports it even if there is nothing to read. */
struct clinux_readiness {
    uint64_t token;
};
int clinux_epoll_create(void);
int clinux_epoll_add(int epoll, int descriptor, uint64_t token, int is_one_shot);
int clinux_epoll_rearm(int epoll, int descriptor, uint64_t token, int is_at_once);
int clinux_epoll_remove(int epoll, int descriptor);
int clinux_epoll_wait(int epoll, struct clinux_readiness *ready, int count, int milliseconds);

/* fstatfs(2): 1 if the descriptor's file lies on btrfs, else 0 */
int clinux_is_on_btrfs(int descriptor);

/* statx(2): 1 if the file or folder is immutable or takes additions only (chattr(1)), else 0 */
int clinux_is_restricted(int descriptor);

/* adjtimex(2): 1 if the clock is synchronised, 0 if not, -1 if this is unknown */
int clinux_is_clock_synchronised(void);

/* vfork(2) and execve(2) of `path`. The process has `input`, `output` and `error` as its
 * standard input, output and error, and inherits no other descriptor. It leads a session and a
 * process group of its own, without a terminal. It blocks and ignores no signal, and its soft limit
 * on open files is `descriptors`. Returns the process, or -1; no process is left then. */
int clinux_spawn(const char *path, char *const arguments[], char *const environment[], int input,
                 int output, int error, uint64_t descriptors);

/* pidfd_open(2): readable once the process has ended */
int clinux_process_descriptor(int process);

/* The program's arguments, as they were handed to it, up to NULL: saved before main. */
char **clinux_arguments(void);

/* environ(7) */
char **clinux_environment(void);

#endif
