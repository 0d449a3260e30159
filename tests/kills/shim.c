/* Ends the process in the midst of a call to the operating system: loaded by LD_PRELOAD, armed by
   kills_arm(). What Python can't stand between, SQLite's own writes among it, is reached here. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fnmatch.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

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

static int is_due(const char *call, int fd)
{
    char link[64], path[4096];
    ssize_t size;
    if (left <= 0 || strcmp(call, armed_call) != 0)
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    size = readlink(link, path, sizeof path - 1);
    if (size < 0)
        return 0;
    path[size] = 0;
    if (fnmatch(armed_path, path, 0) != 0)
        return 0;
    return --left == 0;
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
        if (due && how == 0)                                                          \
            DIE();                                                                    \
        done = real(fd, bytes, due && how == 1 ? n / 2 : n, at);               \
        if (due)                                                                      \
            DIE();                                                                    \
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
    if (due && how == 0)
        DIE();
    done = real(fd, bytes, due && how == 1 ? n / 2 : n);
    if (due)
        DIE();
    return done;
}

#define ON_FILE(name, call)                                                           \
    int name(int fd)                                                                  \
    {                                                                                 \
        static int (*real)(int);                                                      \
        int due = is_due(call, fd), done;                                             \
        FIND(#name);                                                                  \
        if (due && how < 2)                                                           \
            DIE();                                                                    \
        done = real(fd);                                                       \
        if (due)                                                                      \
            DIE();                                                                    \
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
        if (due && how < 2)                                                           \
            DIE();                                                                    \
        done = real(fd, size);                                                 \
        if (due)                                                                      \
            DIE();                                                                    \
        return done;                                                                  \
    }
TRUNCATION(ftruncate)
TRUNCATION(ftruncate64)
