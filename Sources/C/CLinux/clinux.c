#define _GNU_SOURCE 1

#include "clinux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <sys/vfs.h>
#include <unistd.h>

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

int clinux_is_clock_synchronised(void)
{
    struct timex time = { .modes = 0 };
    int state = adjtimex(&time);
    if (state < 0)
        return -1;
    return state != TIME_ERROR && !(time.status & STA_UNSYNC);
}

int clinux_spawn(const char *path, char *const arguments[], char *const environment[], int input,
                 int error)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    pid_t process = -1;

    sigemptyset(&none);
    sigfillset(&all);
    if ((errno = posix_spawn_file_actions_init(&actions)) != 0)
        return -1;
    if ((errno = posix_spawnattr_init(&attributes)) == 0) {
        if ((errno = posix_spawn_file_actions_adddup2(&actions, input, 0)) == 0
            && (errno = posix_spawn_file_actions_adddup2(&actions, error, 2)) == 0
            && (errno = posix_spawn_file_actions_addclosefrom_np(&actions, 3)) == 0
            && (errno = posix_spawnattr_setsigmask(&attributes, &none)) == 0
            && (errno = posix_spawnattr_setsigdefault(&attributes, &all)) == 0
            && (errno = posix_spawnattr_setpgroup(&attributes, 0)) == 0
            && (errno = posix_spawnattr_setflags(
                    &attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF
                                     | POSIX_SPAWN_SETPGROUP)) == 0) {
            int code = posix_spawn(
                &process, path, &actions, &attributes, arguments, environment);
            if (code != 0) {
                process = -1;
                errno = code;
            }
        }
        int code = errno;
        posix_spawnattr_destroy(&attributes);
        errno = code;
    }
    int code = errno;
    posix_spawn_file_actions_destroy(&actions);
    errno = code;
    return process;
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
