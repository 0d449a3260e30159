/* Has calls to the operating system fail, as on a disk that is full or broken: loaded by LD_PRELOAD,
   armed by faults_arm(). Only what concerns files below one folder is counted, and fails. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static char root[4096];
static long first;     /* the call that fails; 0: none */
static int for_good;   /* all after it, too */
static int number;     /* errno */
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

static int fails_at(int fd)
{
    char link[64], path[4096];
    ssize_t size;
    if (root[0] == 0)
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    size = readlink(link, path, sizeof path - 1);
    if (size < 0)
        return 0;
    path[size] = 0;
    return fails(path);
}

#define REAL(name, type) static type real; if (real == NULL) real = (type)dlsym(RTLD_NEXT, name)

typedef ssize_t (*positioned)(int, const void *, size_t, off64_t);
#define POSITIONED(name)                                                   \
    ssize_t name(int fd, const void *bytes, size_t n, off64_t at)          \
    {                                                                      \
        REAL(#name, positioned);                                           \
        return fails_at(fd) ? -1 : real(fd, bytes, n, at);                 \
    }
POSITIONED(pwrite)
POSITIONED(pwrite64)

typedef ssize_t (*writing)(int, const void *, size_t);
ssize_t write(int fd, const void *bytes, size_t n)
{
    REAL("write", writing);
    return fails_at(fd) ? -1 : real(fd, bytes, n);
}

typedef int (*on_file)(int);
#define ON_FILE(name)                                                      \
    int name(int fd)                                                       \
    {                                                                      \
        REAL(#name, on_file);                                              \
        return fails_at(fd) ? -1 : real(fd);                               \
    }
ON_FILE(fsync)
ON_FILE(fdatasync)

typedef int (*truncating)(int, off64_t);
#define TRUNCATION(name)                                                   \
    int name(int fd, off64_t size)                                         \
    {                                                                      \
        REAL(#name, truncating);                                           \
        return fails_at(fd) ? -1 : real(fd, size);                         \
    }
TRUNCATION(ftruncate)
TRUNCATION(ftruncate64)

#define MODE(flags)                                                        \
    mode_t mode = 0;                                                       \
    if (flags & (O_CREAT | O_TMPFILE)) {                                   \
        va_list more;                                                      \
        va_start(more, flags);                                             \
        mode = va_arg(more, mode_t);                                       \
        va_end(more);                                                      \
    }

typedef int (*opening)(const char *, int, ...);
#define OPENING(name)                                                      \
    int name(const char *path, int flags, ...)                             \
    {                                                                      \
        REAL(#name, opening);                                              \
        MODE(flags)                                                        \
        if ((flags & (O_CREAT | O_WRONLY | O_RDWR)) && fails(path))        \
            return -1;                                                     \
        return real(path, flags, mode);                                    \
    }
OPENING(open)
OPENING(open64)

typedef int (*opening_at)(int, const char *, int, ...);
#define OPENING_AT(name)                                                   \
    int name(int fd, const char *path, int flags, ...)                     \
    {                                                                      \
        REAL(#name, opening_at);                                           \
        MODE(flags)                                                        \
        if ((flags & (O_CREAT | O_WRONLY | O_RDWR)) && fails(path))        \
            return -1;                                                     \
        return real(fd, path, flags, mode);                                \
    }
OPENING_AT(openat)
OPENING_AT(openat64)

typedef int (*renaming)(const char *, const char *);
int rename(const char *from, const char *to)
{
    REAL("rename", renaming);
    return fails(to) ? -1 : real(from, to);
}

typedef int (*making)(const char *, mode_t);
int mkdir(const char *path, mode_t mode)
{
    REAL("mkdir", making);
    return fails(path) ? -1 : real(path, mode);
}
