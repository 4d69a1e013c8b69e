/* Fails the calls of a process that write to its database, while a file says so.
 *
 * cc -shared -fPIC -o failing_disk.so failing_disk.c -ldl
 * LD_PRELOAD=failing_disk.so FAILING_DISK=/some/file …
 *
 * The file's first letter chooses: f, flushing fails (EIO); r, writing is refused (EROFS).
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int fails(char how) {
    const char *path = getenv("FAILING_DISK");
    char found = 0;
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) return 0;
    if (read(file, &found, 1) != 1) found = 0;
    close(file);
    return found == how;
}

static int is_database(int file) {
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return strstr(path, ".db") != NULL;
}

static int refused(int error) {
    errno = error;
    return -1;
}

int fsync(int file) {
    int (*real)(int) = dlsym(RTLD_NEXT, "fsync");
    return is_database(file) && fails('f') ? refused(EIO) : real(file);
}

int fdatasync(int file) {
    int (*real)(int) = dlsym(RTLD_NEXT, "fdatasync");
    return is_database(file) && fails('f') ? refused(EIO) : real(file);
}

ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t at) {
    ssize_t (*real)(int, const void *, size_t, off64_t) = dlsym(RTLD_NEXT, "pwrite64");
    return is_database(file) && fails('r') ? refused(EROFS) : real(file, bytes, count, at);
}

ssize_t pwrite(int file, const void *bytes, size_t count, off_t at) {
    ssize_t (*real)(int, const void *, size_t, off_t) = dlsym(RTLD_NEXT, "pwrite");
    return is_database(file) && fails('r') ? refused(EROFS) : real(file, bytes, count, at);
}
