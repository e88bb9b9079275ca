/* Counts the calls that change files below a folder, and lets one of them fail.
 *
 * fault_arm(folder, number, mode) begins to count from 1; the call with that number fails in the
 * way `mode` says: before, after (killed), torn (killed within), short, or the name of an error.
 * The count is shared by all processes forked from the one that loaded this library.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum { CALLS = 20000, NAME = 20 };
enum mode { NONE, BEFORE, AFTER, TORN, SHORT, FAILS };

static struct { long count; char names[CALLS][NAME]; } *shared;
static long at;
static enum mode chosen;
static int fault;
static char under[PATH_MAX];

static void die(void) {
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

__attribute__((constructor)) static void begin(void) {
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) shared = NULL;
}

void fault_arm(const char *folder, long number, const char *mode) {
    chosen = !strcmp(mode, "before") ? BEFORE : !strcmp(mode, "after") ? AFTER
           : !strcmp(mode, "torn") ? TORN : !strcmp(mode, "short") ? SHORT : FAILS;
    fault = !strcmp(mode, "ENOSPC") ? ENOSPC : !strcmp(mode, "EINTR") ? EINTR
          : !strcmp(mode, "EDQUOT") ? EDQUOT : EIO;
    at = number;
    if (shared) shared->count = 0;
    if (!realpath(folder, under)) under[0] = 0;
}
long fault_count(void) { return shared ? shared->count : -1; }
const char *fault_name(long number) { return shared->names[(number - 1) % CALLS]; }

static int is_below(const char *path) {
    size_t length = strlen(under);
    return !strncmp(path, under, length) && (path[length] == '/' || !path[length]);
}

static int counts_fd(int fd) {
    char link[64], path[PATH_MAX];
    struct stat status;
    if (!shared || !under[0]) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0 || fstat(fd, &status) || !(S_ISREG(status.st_mode) || S_ISDIR(status.st_mode)))
        return 0;
    path[length] = 0;
    return is_below(path);
}

static int counts_path(int folder, const char *path) {
    char whole[PATH_MAX * 2], base[PATH_MAX], link[64];
    if (!shared || !under[0]) return 0;
    if (path[0] == '/') return is_below(path);
    if (folder == AT_FDCWD) {
        if (!getcwd(base, sizeof base)) return 0;
    } else {
        snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
        ssize_t length = readlink(link, base, sizeof base - 1);
        if (length < 0) return 0;
        base[length] = 0;
    }
    snprintf(whole, sizeof whole, "%s/%s", base, path);
    return is_below(whole);
}

/* What is to become of this call. */
static enum mode next(const char *name) {
    long number = __atomic_add_fetch(&shared->count, 1, __ATOMIC_SEQ_CST);
    strncpy(shared->names[(number - 1) % CALLS], name, NAME - 1);
    return number == at ? chosen : NONE;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define GUARDED(type, name, counted, act)                                   \
    do {                                                                    \
        enum mode mode_ = (counted) ? next(#name) : NONE;                   \
        if (mode_ == BEFORE || mode_ == TORN) die();                        \
        if (mode_ == FAILS) { errno = fault; return -1; } /* only writes can be short */ \
        type result_ = (act);                                               \
        if (mode_ == AFTER) die();                                          \
        return result_;                                                     \
    } while (0)
#define WRITING(name, counted, size, whole, half)                           \
    do {                                                                    \
        enum mode mode_ = (counted) ? next(#name) : NONE;                   \
        if (mode_ == BEFORE) die();                                         \
        if (mode_ == FAILS) { errno = fault; return -1; }                   \
        if ((mode_ == SHORT || mode_ == TORN) && (size) > 1) {              \
            ssize_t part_ = (half);                                         \
            if (mode_ == TORN) die();                                       \
            return part_;                                                   \
        }                                                                   \
        ssize_t result_ = (whole);                                          \
        if (mode_ == AFTER || mode_ == TORN) die();                         \
        return result_;                                                     \
    } while (0)

ssize_t write(int fd, const void *data, size_t size) {
    WRITING(write, counts_fd(fd), size, REAL(write)(fd, data, size), REAL(write)(fd, data, size / 2));
}
ssize_t pwrite(int fd, const void *data, size_t size, off_t place) {
    WRITING(pwrite, counts_fd(fd), size, REAL(pwrite)(fd, data, size, place),
            REAL(pwrite)(fd, data, size / 2, place));
}
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t place) {
    WRITING(pwrite64, counts_fd(fd), size, REAL(pwrite64)(fd, data, size, place),
            REAL(pwrite64)(fd, data, size / 2, place));
}
ssize_t writev(int fd, const struct iovec *parts, int count) {
    WRITING(writev, counts_fd(fd), count, REAL(writev)(fd, parts, count),
            REAL(writev)(fd, parts, count / 2));
}
ssize_t sendfile(int out, int in, off_t *place, size_t size) {
    WRITING(sendfile, counts_fd(out), size, REAL(sendfile)(out, in, place, size),
            REAL(sendfile)(out, in, place, size / 2));
}
ssize_t sendfile64(int out, int in, off64_t *place, size_t size) {
    WRITING(sendfile64, counts_fd(out), size, REAL(sendfile64)(out, in, place, size),
            REAL(sendfile64)(out, in, place, size / 2));
}
ssize_t copy_file_range(int in, off64_t *from, int out, off64_t *to, size_t size, unsigned flags) {
    WRITING(copy_file_range, counts_fd(out), size, REAL(copy_file_range)(in, from, out, to, size, flags),
            REAL(copy_file_range)(in, from, out, to, size / 2, flags));
}
int fsync(int fd) { GUARDED(int, fsync, counts_fd(fd), REAL(fsync)(fd)); }
int fdatasync(int fd) { GUARDED(int, fdatasync, counts_fd(fd), REAL(fdatasync)(fd)); }
int ftruncate(int fd, off_t size) { GUARDED(int, ftruncate, counts_fd(fd), REAL(ftruncate)(fd, size)); }
int ftruncate64(int fd, off64_t size) { GUARDED(int, ftruncate64, counts_fd(fd), REAL(ftruncate64)(fd, size)); }
int fchmod(int fd, mode_t mode) { GUARDED(int, fchmod, counts_fd(fd), REAL(fchmod)(fd, mode)); }
int unlink(const char *path) { GUARDED(int, unlink, counts_path(AT_FDCWD, path), REAL(unlink)(path)); }
int unlinkat(int folder, const char *path, int flags) {
    GUARDED(int, unlinkat, counts_path(folder, path), REAL(unlinkat)(folder, path, flags));
}
int rmdir(const char *path) { GUARDED(int, rmdir, counts_path(AT_FDCWD, path), REAL(rmdir)(path)); }
int mkdir(const char *path, mode_t mode) { GUARDED(int, mkdir, counts_path(AT_FDCWD, path), REAL(mkdir)(path, mode)); }
int rename(const char *old, const char *new) {
    GUARDED(int, rename, counts_path(AT_FDCWD, new), REAL(rename)(old, new));
}
int renameat(int from, const char *old, int to, const char *new) {
    GUARDED(int, renameat, counts_path(to, new), REAL(renameat)(from, old, to, new));
}
int renameat2(int from, const char *old, int to, const char *new, unsigned flags) {
    GUARDED(int, renameat2, counts_path(to, new), REAL(renameat2)(from, old, to, new, flags));
}
int link(const char *old, const char *new) {
    GUARDED(int, link, counts_path(AT_FDCWD, new), REAL(link)(old, new));
}
int linkat(int from, const char *old, int to, const char *new, int flags) {
    GUARDED(int, linkat, counts_path(to, new), REAL(linkat)(from, old, to, new, flags));
}

#define MODE_OF(flags, last)                                             \
    mode_t mode = 0;                                                     \
    if ((flags) & (O_CREAT | __O_TMPFILE)) {                             \
        va_list more;                                                    \
        va_start(more, last);                                            \
        mode = va_arg(more, mode_t);                                     \
        va_end(more);                                                    \
    }
int open(const char *path, int flags, ...) {
    MODE_OF(flags, flags)
    GUARDED(int, open, (flags & O_CREAT) && counts_path(AT_FDCWD, path), REAL(open)(path, flags, mode));
}
int open64(const char *path, int flags, ...) {
    MODE_OF(flags, flags)
    GUARDED(int, open64, (flags & O_CREAT) && counts_path(AT_FDCWD, path), REAL(open64)(path, flags, mode));
}
int openat(int folder, const char *path, int flags, ...) {
    MODE_OF(flags, flags)
    GUARDED(int, openat, (flags & O_CREAT) && counts_path(folder, path), REAL(openat)(folder, path, flags, mode));
}
int openat64(int folder, const char *path, int flags, ...) {
    MODE_OF(flags, flags)
    GUARDED(int, openat64, (flags & O_CREAT) && counts_path(folder, path), REAL(openat64)(folder, path, flags, mode));
}
