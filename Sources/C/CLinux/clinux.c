#define _GNU_SOURCE 1

#include "clinux.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef DELVE_WEBHOOK_COMMIT
#define DELVE_WEBHOOK_COMMIT "unknown"
#endif

const char *clinux_build_commit(void) { return DELVE_WEBHOOK_COMMIT; }

const char *clinux_library_of(const void *function)
{
    Dl_info information;
    return dladdr(function, &information) != 0 ? information.dli_fname : NULL;
}

const int32_t clinux_O_TMPFILE = O_TMPFILE;
const int32_t clinux_O_PATH = O_PATH;
const int32_t clinux_AT_EMPTY_PATH = AT_EMPTY_PATH;

static int set_lock(int descriptor, int command, short type, int64_t start, int64_t length)
{
    struct flock lock = {
        .l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length, .l_pid = 0
    };
    return fcntl(descriptor, command, &lock);
}

int clinux_lock_range(int descriptor, int64_t start, int64_t length)
{
    return set_lock(descriptor, F_OFD_SETLK, F_WRLCK, start, length);
}

int clinux_unlock_range(int descriptor, int64_t start, int64_t length)
{
    return set_lock(descriptor, F_OFD_SETLK, F_UNLCK, start, length);
}

int clinux_rename_new(int from, const char *name, int to, const char *target)
{
    return renameat2(from, name, to, target, RENAME_NOREPLACE);
}

int clinux_accept(int listener)
{
    return accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

int clinux_signal_descriptor(const int *signals, int count)
{
    sigset_t set;
    sigemptyset(&set);
    for (int i = 0; i < count; i++)
        sigaddset(&set, signals[i]);
    errno = pthread_sigmask(SIG_BLOCK, &set, NULL);
    if (errno != 0)
        return -1;
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int clinux_read_signal(int descriptor)
{
    struct signalfd_siginfo info;
    if (read(descriptor, &info, sizeof info) != (ssize_t)sizeof info)
        return -1;
    return (int)info.ssi_signo;
}

int clinux_is_ignored(int signal)
{
    struct sigaction action;
    return sigaction(signal, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

int clinux_epoll_create(void)
{
    return epoll_create1(EPOLL_CLOEXEC);
}

int clinux_epoll_add(int epoll, int descriptor, uint64_t token, int is_one_shot)
{
    struct epoll_event event = {
        .events = EPOLLIN | EPOLLRDHUP | (is_one_shot ? EPOLLONESHOT : 0), .data.u64 = token
    };
    return epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event);
}

int clinux_epoll_rearm(int epoll, int descriptor, uint64_t token, int is_at_once)
{
    struct epoll_event event = {
        .events = EPOLLIN | EPOLLRDHUP | EPOLLONESHOT | (is_at_once ? EPOLLOUT : 0),
        .data.u64 = token
    };
    return epoll_ctl(epoll, EPOLL_CTL_MOD, descriptor, &event);
}

int clinux_epoll_remove(int epoll, int descriptor)
{
    return epoll_ctl(epoll, EPOLL_CTL_DEL, descriptor, NULL);
}

int clinux_epoll_wait(int epoll, struct clinux_readiness *ready, int count, int milliseconds)
{
    struct epoll_event events[64];
    int n = epoll_wait(epoll, events, count < 64 ? count : 64, milliseconds);
    for (int i = 0; i < n; i++)
        ready[i].token = events[i].data.u64;
    return n;
}

int clinux_is_on_btrfs(int descriptor)
{
    struct statfs statistics;
    return fstatfs(descriptor, &statistics) == 0 && statistics.f_type == BTRFS_SUPER_MAGIC;
}

int clinux_is_restricted(int descriptor)
{
    struct statx status;
    if (statx(descriptor, "", AT_EMPTY_PATH, 0, &status) != 0)
        return 0;
    return (status.stx_attributes & (STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND)) != 0;
}

int clinux_is_clock_synchronised(void)
{
    struct timex time = { .modes = 0 };
    int state = adjtimex(&time);
    if (state < 0)
        return -1;
    return state != TIME_ERROR && !(time.status & STA_UNSYNC);
}

/* What a new process needs to become the program. */
struct start {
    const char *path;
    char *const *arguments;
    char *const *environment;
    int input, output, error;
    int report; /* takes the errno of a step that fails; closed by execve */
    struct rlimit descriptors;
};

/* A copy of the descriptor that is 4 or more, for 0 to 3 are about to be replaced. */
static int moved_away(int descriptor)
{
    return descriptor < 4 ? fcntl(descriptor, F_DUPFD_CLOEXEC, 4) : descriptor;
}

/* The new process up to execve. It shares the memory of its parent, whose other threads go on. So it
 * makes only calls that are async-signal-safe (signal-safety(7)), and writes only to its own stack
 * and to errno. */
__attribute__((noinline, noreturn)) static void become(const struct start *start)
{
    const struct sigaction action = { .sa_handler = SIG_DFL };
    int report = moved_away(start->report);
    int input = moved_away(start->input);
    int output = moved_away(start->output);
    int error = moved_away(start->error);
    sigset_t none;

    /* execve(2) keeps ignored signals ignored. SIGKILL and the like fail here. */
    for (int signal = 1; signal < NSIG; signal++)
        sigaction(signal, &action, NULL);
    sigemptyset(&none);
    if (report >= 0 && input >= 0 && output >= 0 && error >= 0
        && setsid() != -1
        && setrlimit(RLIMIT_NOFILE, &start->descriptors) == 0
        && dup3(report, 3, O_CLOEXEC) == 3
        && dup2(input, 0) == 0
        && dup2(output, 1) == 1
        && dup2(error, 2) == 2) {
        report = 3;
        closefrom(4);
        if (sigprocmask(SIG_SETMASK, &none, NULL) == 0)
            execve(start->path, start->arguments, start->environment);
    }
    int code = errno;
    ssize_t count = write(report >= 0 ? report : start->report, &code, sizeof code);
    (void)count;
    _exit(127);
}

/* vfork, for posix_spawn(3) cannot set a limit: the parent would have to lower its own for the
 * moment, and its other threads would fail to open files. A fork would copy the page tables of a
 * large process each time.
 *
 * The errno comes back through a pipe. Memory would do for a vfork, but the thread sanitizer makes
 * a fork of it. */
int clinux_spawn(const char *path, char *const arguments[], char *const environment[], int input,
                 int output, int error, uint64_t descriptors)
{
    struct start start = {
        .path = path, .arguments = arguments, .environment = environment, .input = input,
        .output = output, .error = error
    };
    int report[2], code = 0;
    ssize_t count;
    sigset_t all, before;

    if (getrlimit(RLIMIT_NOFILE, &start.descriptors) != 0 || pipe2(report, O_CLOEXEC) != 0)
        return -1;
    /* Somebody may have lowered the hard limit since (prlimit(1)). */
    start.descriptors.rlim_cur
        = descriptors < start.descriptors.rlim_max ? descriptors : start.descriptors.rlim_max;
    start.report = report[1];
    /* A handler of ours must not run in the new process: it would change our memory. */
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    pid_t process = vfork();
    if (process == 0)
        become(&start);
    if (process < 0)
        code = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(report[1]);
    if (process > 0) {
        do
            count = read(report[0], &code, sizeof code);
        while (count < 0 && errno == EINTR);
        /* It has ended already. */
        if (count > 0)
            while (waitpid(process, NULL, 0) < 0 && errno == EINTR)
                ;
    }
    close(report[0]);
    errno = code;
    return code == 0 ? process : -1;
}

int clinux_process_descriptor(int process)
{
    return (int)syscall(SYS_pidfd_open, process, 0);
}

static char **saved_arguments;

__attribute__((constructor)) static void save_arguments(int count, char **arguments)
{
    (void)count;
    saved_arguments = arguments;
}

char **clinux_arguments(void)
{
    return saved_arguments;
}

char **clinux_environment(void)
{
    return environ;
}
