/* A disk with a volatile write cache, as one file of a FUSE file system: what would be on it if the
 * power were cut now can be had at any moment. A loop device makes a block device of it.
 *
 *   disk FILE BYTES     mounts itself over FILE, and ends when standard input does
 *
 * A write is durable once a flush has followed it. Until then a cut may forget it, or keep some of
 * its sectors, whatever became of older and newer writes. A sector is written whole or not at all.
 *
 * Commands on standard input, each with one line as its answer on standard output:
 *
 *   count                              writes and flushes so far
 *   cut IMAGE SEED AFTER honest|lying  once AFTER further writes and flushes have come, and if SEED
 *                                      is odd at the next flush, before it is done, writes to the
 *                                      file IMAGE what a cut leaves
 *
 * The answer to a cut: its moment (CLOCK_MONOTONIC, in nanoseconds), the writes that no flush had
 * followed, those of them that were forgotten, those that were torn, and the flushes that were taken
 * back.
 *
 * A lying cut forgets everything from some flush on that was answered long ago, as a disk does that
 * answers a flush without doing it. */
#define _GNU_SOURCE 1
#define FUSE_USE_VERSION 35
#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* SECTOR: ext4 and btrfs count on their superblock being written whole, and are not mounted if it is
 * torn, so the disk is one with large sectors. FLUSHES_KEPT: so many can be taken back. */
enum { SECTOR = 4096, FLUSHES_KEPT = 512, ZEROES = 65536 };

static void must(int good, const char *what)
{
    if (good)
        return;
    perror(what);
    exit(1);
}

static struct fuse_session *session;

/* The disk */

/* What is read; and what was there before the oldest entry of the log. */
static uint8_t *current, *base;
static size_t size;

/* A flush is an entry without data. */
struct entry {
    struct entry *next;
    uint8_t *data;
    off_t offset;
    size_t length;
};
static struct entry *oldest, **end = &oldest, *last_flush;
static long flushes_in_log, writes, flushes;

static uint8_t *memory(void)
{
    uint8_t *bytes = mmap(NULL, size, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    must(bytes != MAP_FAILED, "mmap");
    return bytes;
}

static struct entry *append(off_t offset, const void *data, size_t length)
{
    struct entry *entry = calloc(1, sizeof *entry);
    must(entry != NULL, "calloc");
    if (data) {
        *entry = (struct entry){.data = malloc(length), .offset = offset, .length = length};
        must(entry->data != NULL, "malloc");
        memcpy(entry->data, data, length);
    }
    *end = entry;
    end = &entry->next;
    return entry;
}

static void apply(const struct entry *entry)
{
    if (entry->data)
        memcpy(base + entry->offset, entry->data, entry->length);
}

/* Moves the log's oldest entries, up to a flush, into `base`. */
static void shorten_log(void)
{
    for (int is_flush = 0; !is_flush;) {
        struct entry *entry = oldest;
        is_flush = entry->data == NULL;
        apply(entry);
        oldest = entry->next;
        free(entry->data);
        free(entry);
    }
    flushes_in_log--;
}

static void note_flush(void)
{
    flushes++;
    last_flush = append(0, NULL, 0);
    if (++flushes_in_log > FLUSHES_KEPT)
        shorten_log();
}

static void note_write(off_t offset, const void *data, size_t length)
{
    writes++;
    memcpy(current + offset, data, length);
    append(offset, data, length);
}

/* The cut */

static struct {
    char image[4096];
    unsigned seed;
    long after;
    int lies, before_flush;
} cut = {.after = -1};

struct loss {
    long unflushed, forgotten, torn, taken_back;
};

static int happens(int percent) { return random() % 100 < percent; }

/* Keeps the sectors of a write as if each had been on its own way to the disk. */
static void tear(const struct entry *entry)
{
    for (size_t at = 0; at < entry->length; at += SECTOR)
        if (happens(50))
            memcpy(base + entry->offset + at, entry->data + at, SECTOR);
}

/* Keeps what a flush has followed, and of what came later any part. */
static struct loss lose_unflushed(void)
{
    struct loss loss = {0};
    struct entry *entry = oldest;
    int kept = (int[]){0, 25, 50, 75}[random() % 4];
    for (; last_flush && entry != last_flush; entry = entry->next)
        apply(entry);
    for (; entry; entry = entry->next) {
        if (!entry->data)
            continue;
        loss.unflushed++;
        if (entry->length > SECTOR && happens(40)) {
            loss.torn++;
            tear(entry);
        } else if (happens(kept)) {
            apply(entry);
        } else {
            loss.forgotten++;
        }
    }
    return loss;
}

/* Forgets everything from some flush on, in the log's older half. */
static struct loss lose_flushed(void)
{
    struct loss loss = {.taken_back = flushes_in_log};
    long kept = random() % (flushes_in_log / 2);
    struct entry *entry = oldest;
    for (; entry && kept; entry = entry->next) {
        apply(entry);
        if (!entry->data) {
            kept--;
            loss.taken_back--;
        }
    }
    for (; entry; entry = entry->next)
        loss.forgotten += entry->data != NULL;
    return loss;
}

static void write_image(void)
{
    static const uint8_t zeroes[ZEROES];
    int image = open(cut.image, O_CREAT | O_TRUNC | O_WRONLY, 0600);
    must(image >= 0 && ftruncate(image, (off_t)size) == 0, cut.image);
    for (size_t at = 0; at < size; at += ZEROES)
        if (memcmp(base + at, zeroes, ZEROES) != 0)
            must(pwrite(image, base + at, ZEROES, (off_t)at) == ZEROES, cut.image);
    must(close(image) == 0, cut.image);
}

/* A child has a copy of the memory, and writes the image while the disk goes on. */
static void take_image(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    pid_t child = fork();
    must(child >= 0, "fork");
    if (child > 0)
        return;
    close(fuse_session_fd(session));
    srandom(cut.seed);
    struct loss loss = cut.lies ? lose_flushed() : lose_unflushed();
    write_image();
    char answer[200];
    int length = snprintf(answer, sizeof answer, "%lld %ld %ld %ld %ld\n",
                          now.tv_sec * 1000000000LL + now.tv_nsec, loss.unflushed, loss.forgotten,
                          loss.torn, loss.taken_back);
    _exit(write(STDOUT_FILENO, answer, length) == length ? 0 : 1);
}

/* A lie waits until there is enough to be taken back. */
static int can_cut(int is_flush)
{
    return cut.lies ? flushes_in_log == FLUSHES_KEPT : is_flush || !cut.before_flush;
}

static void step_to_cut(int is_flush)
{
    if (cut.after > 0) {
        cut.after--;
    } else if (cut.after == 0 && can_cut(is_flush)) {
        cut.after = -1;
        take_image();
    }
}

/* Without its image the disk is of no use: it ends, which is noticed. */
static void image_was_written(int signal)
{
    (void)signal;
    int status, before = errno;
    while (waitpid(-1, &status, WNOHANG) > 0)
        if (status != 0)
            _exit(1);
    errno = before;
}

/* The file system: its root is the file */

static void fs_getattr(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info *file)
{
    (void)file;
    struct stat status = {
        .st_ino = inode, .st_mode = S_IFREG | 0600, .st_nlink = 1, .st_size = (off_t)size};
    fuse_reply_attr(request, &status, 86400);
}

static void fs_open(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info *file)
{
    (void)inode;
    fuse_reply_open(request, file);
}

static void fs_read(fuse_req_t request, fuse_ino_t inode, size_t length, off_t offset,
                    struct fuse_file_info *file)
{
    (void)inode, (void)file;
    size_t left = (size_t)offset < size ? size - (size_t)offset : 0;
    fuse_reply_buf(request, (char *)current + offset, length < left ? length : left);
}

static void fs_write(fuse_req_t request, fuse_ino_t inode, const char *data, size_t length,
                     off_t offset, struct fuse_file_info *file)
{
    (void)inode, (void)file;
    if ((size_t)offset + length > size || offset % SECTOR || length % SECTOR) {
        fuse_reply_err(request, EIO);
        return;
    }
    step_to_cut(0);
    note_write(offset, data, length);
    fuse_reply_write(request, length);
}

static void fs_fsync(fuse_req_t request, fuse_ino_t inode, int data_only,
                     struct fuse_file_info *file)
{
    (void)inode, (void)data_only, (void)file;
    step_to_cut(1);
    note_flush();
    fuse_reply_err(request, 0);
}

static const struct fuse_lowlevel_ops operations = {
    .getattr = fs_getattr, .open = fs_open, .read = fs_read, .write = fs_write, .fsync = fs_fsync};

/* Commands */

static void obey(const char *line)
{
    char word[8];
    if (strcmp(line, "count\n") == 0) {
        printf("%ld %ld\n", writes, flushes);
    } else {
        int found = sscanf(line, "cut %4095s %u %ld %7s", cut.image, &cut.seed, &cut.after, word);
        errno = EINVAL;
        must(found == 4, line);
        cut.lies = strcmp(word, "lying") == 0;
        cut.before_flush = cut.seed & 1;
    }
    fflush(stdout);
}

/* One command at a time is given, so a line comes alone. */
static int is_obeying(void)
{
    char line[5000];
    ssize_t length = read(STDIN_FILENO, line, sizeof line - 1);
    if (length <= 0)
        return 0;
    line[length] = 0;
    obey(line);
    return 1;
}

static void serve(void)
{
    struct fuse_buf buffer = {0};
    struct pollfd waiting[] = {{.fd = fuse_session_fd(session), .events = POLLIN},
                               {.fd = STDIN_FILENO, .events = POLLIN}};
    while (!fuse_session_exited(session)) {
        must(poll(waiting, 2, -1) >= 0 || errno == EINTR, "poll");
        if (waiting[1].revents && !is_obeying())
            return;
        if (!waiting[0].revents)
            continue;
        int length = fuse_session_receive_buf(session, &buffer);
        if (length == -EINTR)
            continue;
        if (length <= 0)
            return;
        fuse_session_process_buf(session, &buffer);
    }
}

int main(int count, char **arguments)
{
    if (count != 3) {
        fprintf(stderr, "usage: see the top of disk.c\n");
        return 64;
    }
    size = strtoull(arguments[2], NULL, 10);
    errno = EINVAL;
    must(size && size % ZEROES == 0, arguments[2]);
    current = memory();
    base = memory();
    struct fuse_args options = FUSE_ARGS_INIT(1, arguments);
    session = fuse_session_new(&options, &operations, sizeof operations, NULL);
    must(session != NULL && fuse_session_mount(session, arguments[1]) == 0, arguments[1]);
    signal(SIGCHLD, image_was_written);
    serve();
    fuse_session_unmount(session);
    return 0;
}
