/* Makes SQLite's synchronous=FULL into NORMAL, when loaded in front of a program (LD_PRELOAD): leaves out the sync of
 * the write-ahead log after a commit, and nothing else. A sync of the log with which a checkpoint begins has no write
 * to the log before it since the last one; that of a new log's header follows a write of these 32 bytes alone. Both
 * are made at NORMAL too, as are all syncs of other files. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

enum { NOTHING, HEADER, FRAMES };

/* What was written to the log since its last sync. */
static _Atomic int written;

static int is_log(int fd) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path);
    return length > 4 && memcmp(path + length - 4, "-wal", 4) == 0;
}

static void note(int fd, size_t count, off_t offset) {
    if (is_log(fd)) written = offset == 0 && count == 32 && written != FRAMES ? HEADER : FRAMES;
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off_t offset) {
    static ssize_t (*real)(int, const void *, size_t, off_t);
    if (!real) real = dlsym(RTLD_NEXT, "pwrite64");
    note(fd, count, offset);
    return real(fd, bytes, count, offset);
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset) {
    return pwrite64(fd, bytes, count, offset);
}

static int sync_with(const char *name, int fd) {
    if (is_log(fd)) {
        int before = written;
        written = NOTHING;
        if (before == FRAMES) return 0;
    }
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    return real(fd);
}

int fsync(int fd) { return sync_with("fsync", fd); }
int fdatasync(int fd) { return sync_with("fdatasync", fd); }
