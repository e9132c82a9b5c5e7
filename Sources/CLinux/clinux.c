#define _GNU_SOURCE 1

#include "clinux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timex.h>
#include <sys/vfs.h>
#include <unistd.h>

const int32_t clinux_O_TMPFILE = O_TMPFILE;

static int set_lock(int descriptor, int command, short type, int64_t start, int64_t length)
{
    struct flock lock = {
        .l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length, .l_pid = 0
    };
    return fcntl(descriptor, command, &lock);
}

int clinux_lock_range(int descriptor, int64_t start, int64_t length)
{
    return set_lock(descriptor, F_OFD_SETLKW, F_WRLCK, start, length);
}

int clinux_unlock_range(int descriptor, int64_t start, int64_t length)
{
    return set_lock(descriptor, F_OFD_SETLK, F_UNLCK, start, length);
}

int clinux_accept(int listener)
{
    return accept4(listener, NULL, NULL, SOCK_CLOEXEC);
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

int clinux_epoll_rearm(int epoll, int descriptor, uint64_t token)
{
    struct epoll_event event = {
        .events = EPOLLIN | EPOLLRDHUP | EPOLLONESHOT, .data.u64 = token
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

char **clinux_environment(void)
{
    return environ;
}
