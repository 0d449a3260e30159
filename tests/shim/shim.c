/* Stands between a process and what it asks of the disk: loaded by LD_PRELOAD. Has calls fail, as
   where it is full or broken (armed by faults_arm()), ends the process in the midst of a call
   (kills_arm()), or records what is asked (kills_record()). What Python can't stand between,
   SQLite's own writes among it, is reached here. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

static char root[4096]; /* only what concerns files below it is counted, and fails */
static long first;      /* the call that fails; 0: none */
static int for_good;    /* all after it, too */
static int number;      /* errno */
static long n_calls;

void faults_arm(const char *folder, long nth, int sticky, int error)
{
    snprintf(root, sizeof root, "%s", folder);
    first = nth;
    for_good = sticky;
    number = error;
    n_calls = 0;
}

long faults_count(void) { return n_calls; }

static int fails(const char *path)
{
    size_t size = strlen(root);
    if (size == 0 || path == NULL || strncmp(path, root, size) != 0)
        return 0;
    n_calls++;
    if (first == 0 || n_calls < first || (n_calls > first && !for_good))
        return 0;
    errno = number;
    return 1;
}

static char armed_call[16], armed_path[256];
static long left;  /* how many such calls until the end; 0: not armed */
static int how;    /* 0 before the call, 1 when half is written, 2 after the call */

void kills_arm(const char *call, const char *path, long nth, int when)
{
    snprintf(armed_call, sizeof armed_call, "%s", call);
    snprintf(armed_path, sizeof armed_path, "%s", path);
    how = when;
    left = nth;
}

static int find_path(int fd, char *path, size_t most)
{
    char link[64];
    ssize_t size;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    size = readlink(link, path, most - 1);
    if (size < 0)
        return 0;
    path[size] = 0;
    return 1;
}

static int fails_at(int fd)
{
    char path[4096];
    return root[0] != 0 && find_path(fd, path, sizeof path) && fails(path);
}

static int is_due(const char *call, int fd)
{
    char path[4096];
    if (left <= 0 || strcmp(call, armed_call) != 0 || !find_path(fd, path, sizeof path))
        return 0;
    if (fnmatch(armed_path, path, 0) != 0)
        return 0;
    return --left == 0;
}

static int record = -1;
static char below[4096], beside[4096];

/* Append what is done from now on to files below a folder, and to one file beside it, to a file. */
void kills_record(const char *to, const char *folder, const char *also)
{
    snprintf(below, sizeof below, "%s/", folder);
    snprintf(beside, sizeof beside, "%s", also);
    record = open(to, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

/* tests/kills/power.py reads this. */
struct head { uint64_t inode; int64_t at; uint32_t kind, n_path, n_data, zero; };

static void append(char kind, uint64_t inode, const char *path, int64_t at, const void *data, size_t n)
{
    struct head head = {inode, at, (uint32_t)kind, (uint32_t)strlen(path), (uint32_t)n, 0};
    size_t size = sizeof head + head.n_path + n;
    char *all = malloc(size);
    if (strncmp(path, below, strlen(below)) == 0 || strcmp(path, beside) == 0) {
        memcpy(all, &head, sizeof head);
        memcpy(all + sizeof head, path, head.n_path);
        if (n > 0)
            memcpy(all + sizeof head + head.n_path, data, n);
        if (syscall(SYS_write, record, all, size) != (ssize_t)size)
            abort();
    }
    free(all);
}

static void note(char kind, int fd, int64_t at, const void *data, size_t n)
{
    char path[4096];
    struct stat found;
    if (record >= 0 && find_path(fd, path, sizeof path - 1) && fstat(fd, &found) == 0) {
        if (S_ISDIR(found.st_mode))
            strcat(path, "/");
        append(kind, found.st_ino, path, at, data, n);
    }
}

#define DIE() kill(getpid(), SIGKILL)
#define FIND(name) if (real == NULL) real = dlsym(RTLD_NEXT, name)

#define POSITIONED(name)                                                              \
    ssize_t name(int fd, const void *bytes, size_t n, off64_t at)                     \
    {                                                                                 \
        static ssize_t (*real)(int, const void *, size_t, off64_t);                   \
        int due = is_due("write", fd);                                                \
        ssize_t done;                                                                 \
        FIND(#name);                                                                  \
        if (fails_at(fd))                                                             \
            return -1;                                                                \
        if (due && how == 0)                                                          \
            DIE();                                                                    \
        done = real(fd, bytes, due && how == 1 ? n / 2 : n, at);               \
        if (due)                                                                      \
            DIE();                                                                    \
        if (done > 0)                                                                 \
            note('w', fd, at, bytes, (size_t)done);                                   \
        return done;                                                                  \
    }
POSITIONED(pwrite)
POSITIONED(pwrite64)

ssize_t write(int fd, const void *bytes, size_t n)
{
    static ssize_t (*real)(int, const void *, size_t);
    int due = is_due("write", fd);
    ssize_t done;
    FIND("write");
    if (fails_at(fd))
        return -1;
    if (due && how == 0)
        DIE();
    done = real(fd, bytes, due && how == 1 ? n / 2 : n);
    if (due)
        DIE();
    if (done > 0)
        note('w', fd, lseek(fd, 0, SEEK_CUR) - done, bytes, (size_t)done);
    return done;
}

#define ON_FILE(name, call)                                                           \
    int name(int fd)                                                                  \
    {                                                                                 \
        static int (*real)(int);                                                      \
        int due = is_due(call, fd), done;                                             \
        FIND(#name);                                                                  \
        if (fails_at(fd))                                                             \
            return -1;                                                                \
        if (due && how < 2)                                                           \
            DIE();                                                                    \
        done = real(fd);                                                       \
        if (due)                                                                      \
            DIE();                                                                    \
        if (done == 0)                                                                \
            note('s', fd, 0, NULL, 0);                                                \
        return done;                                                                  \
    }
ON_FILE(fsync, "sync")
ON_FILE(fdatasync, "sync")

#define TRUNCATION(name)                                                              \
    int name(int fd, off64_t size)                                                    \
    {                                                                                 \
        static int (*real)(int, off64_t);                                             \
        int due = is_due("truncate", fd), done;                                       \
        FIND(#name);                                                                  \
        if (fails_at(fd))                                                             \
            return -1;                                                                \
        if (due && how < 2)                                                           \
            DIE();                                                                    \
        done = real(fd, size);                                                 \
        if (due)                                                                      \
            DIE();                                                                    \
        if (done == 0)                                                                \
            note('t', fd, size, NULL, 0);                                             \
        return done;                                                                  \
    }
TRUNCATION(ftruncate)
TRUNCATION(ftruncate64)

int rename(const char *from, const char *to)
{
    static int (*real)(const char *, const char *);
    int done;
    FIND("rename");
    if (fails(to))
        return -1;
    done = real(from, to);
    if (done == 0 && record >= 0)
        append('r', 0, from, 0, to, strlen(to));
    return done;
}

int unlink(const char *path)
{
    static int (*real)(const char *);
    int done;
    FIND("unlink");
    done = real(path);
    if (done == 0 && record >= 0)
        append('u', 0, path, 0, NULL, 0);
    return done;
}

int mkdir(const char *path, mode_t mode)
{
    static int (*real)(const char *, mode_t);
    FIND("mkdir");
    return fails(path) ? -1 : real(path, mode);
}

/* Calls that may make a file. */
#define MODE(flags)                                                                   \
    mode_t mode = 0;                                                                  \
    if (flags & (O_CREAT | O_TMPFILE)) {                                              \
        va_list more;                                                                 \
        va_start(more, flags);                                                        \
        mode = va_arg(more, mode_t);                                                  \
        va_end(more);                                                                 \
    }

#define OPENING(name)                                                                 \
    int name(const char *path, int flags, ...)                                        \
    {                                                                                 \
        static int (*real)(const char *, int, ...);                                   \
        MODE(flags)                                                                   \
        FIND(#name);                                                                  \
        if ((flags & (O_CREAT | O_WRONLY | O_RDWR)) && fails(path))                   \
            return -1;                                                                \
        return real(path, flags, mode);                                               \
    }
OPENING(open)
OPENING(open64)

#define OPENING_AT(name)                                                              \
    int name(int fd, const char *path, int flags, ...)                                \
    {                                                                                 \
        static int (*real)(int, const char *, int, ...);                              \
        MODE(flags)                                                                   \
        FIND(#name);                                                                  \
        if ((flags & (O_CREAT | O_WRONLY | O_RDWR)) && fails(path))                   \
            return -1;                                                                \
        return real(fd, path, flags, mode);                                           \
    }
OPENING_AT(openat)
OPENING_AT(openat64)
