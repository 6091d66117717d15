/* What stands between a process and the file system below one folder: it counts, kills and records. See shim.py, which explains the settings.
 *
 * Preloaded (LD_PRELOAD), it takes the place of the C library's functions that change files. Python, Rust's std, DuckDB, SQLite and Arrow all
 * go through them; that nothing goes past it is proved by a recording that rebuilds the very folder (test_recordings.py).
 * What is written through a mapping is not seen: SQLite's -shm files, which hold nothing that must survive.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum op { CREATE = 1, MKDIR, WRITE, TRUNCATE, SYNC, RENAME, LINK, UNLINK, RMDIR, SYMLINK, SAID };

struct shared {         /* mapped by every process of the story */
    pthread_mutex_t turn; /* in a recording operations happen one by one, so that their order is the order of the log */
    uint64_t boundaries;
    uint64_t operations;
};

struct head { /* of an entry of the log, followed by two paths and the data; shim.py reads it */
    uint64_t operation, boundary, inode, number, data;
    uint32_t pid, op, first, second;
};

static struct shared *shared;
static char root[PATH_MAX], skipped[PATH_MAX]; /* what lies below the second has no boundaries */
static size_t root_length;
static int log_fd = -1;
static long long kill_at = -1; /* 2n: before boundary n, 2n + 1: after it */
static int recording, whole_group;

#define REAL(name) ((__typeof__(&name))real(#name))
static void *real(const char *name) {
    void *found = dlsym(RTLD_NEXT, name);
    if (!found) abort();
    return found;
}

static const char *setting(const char *name) {
    const char *said = getenv(name);
    return said && *said ? said : NULL;
}

/* Begin as the environment says; called when a process starts, and by a forked one that was given another environment. */
void faults_begin(void) {
    const char *where = setting("FAULTS_ROOT"), *state = setting("FAULTS_STATE"), *log = setting("FAULTS_LOG"), *at = setting("FAULTS_KILL");
    shared = NULL;
    if (!where || !state || !log) return;
    int fd = REAL(open)(state, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    struct stat found;
    if (fd < 0 || fstat(fd, &found)) abort();
    int fresh = found.st_size == 0;
    if (fresh && REAL(ftruncate)(fd, sizeof(struct shared))) abort();
    struct shared *mapped = mmap(NULL, sizeof *mapped, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (mapped == MAP_FAILED) abort();
    close(fd);
    if (fresh) {
        pthread_mutexattr_t how;
        pthread_mutexattr_init(&how);
        pthread_mutexattr_setpshared(&how, PTHREAD_PROCESS_SHARED);
        pthread_mutexattr_setrobust(&how, PTHREAD_MUTEX_ROBUST);
        pthread_mutex_init(&mapped->turn, &how);
    }
    log_fd = REAL(open)(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (log_fd < 0) abort();
    log_fd = fcntl(log_fd, F_DUPFD_CLOEXEC, 500); /* out of the way of programs that hand on low numbers */
    snprintf(root, sizeof root, "%s/", where);
    root_length = strlen(root);
    snprintf(skipped, sizeof skipped, "%s", setting("FAULTS_SKIP") ? setting("FAULTS_SKIP") : "");
    recording = setting("FAULTS_RECORD") != NULL;
    whole_group = setting("FAULTS_ALONE") == NULL;
    kill_at = at ? atoll(at) : -1;
    shared = mapped;
}

__attribute__((constructor)) static void at_start(void) { faults_begin(); }

static void take_turn(void) {
    if (recording && pthread_mutex_lock(&shared->turn) == EOWNERDEAD) pthread_mutex_consistent(&shared->turn);
}

static void give_turn(void) {
    if (recording) pthread_mutex_unlock(&shared->turn);
}

static int inside(const char *path) {
    return strncmp(path, root, root_length) == 0;
}

/* The absolute path of a name, and whether it lies below the root. */
static int place(int folder, const char *name, char *path) {
    if (!name) return 0;
    if (name[0] == '/') {
        snprintf(path, PATH_MAX, "%s", name);
    } else {
        char link[64];
        if (folder == AT_FDCWD) snprintf(link, sizeof link, "/proc/self/cwd");
        else snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
        ssize_t length = readlink(link, path, PATH_MAX - 1);
        if (length < 0) return 0;
        snprintf(path + length, PATH_MAX - length, "/%s", name);
    }
    return inside(path);
}

/* The same for what is open. */
static int place_of(int fd, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return inside(path);
}

static uint64_t inode_of(const char *path) {
    struct stat found;
    return lstat(path, &found) ? 0 : found.st_ino;
}

static uint64_t inode_at(int fd) {
    struct stat found;
    return fstat(fd, &found) ? 0 : found.st_ino;
}

static void note(enum op op, uint64_t boundary, uint64_t inode, uint64_t number, const char *first, const char *second, const void *data, size_t size) {
    struct head head = {__atomic_add_fetch(&shared->operations, 1, __ATOMIC_SEQ_CST), boundary, inode, number, size, getpid(), op,
                        first ? strlen(first) : 0, second ? strlen(second) : 0};
    struct iovec parts[] = {{&head, sizeof head}, {(void *)first, head.first}, {(void *)second, head.second}, {(void *)data, size}};
    size_t whole = sizeof head + head.first + head.second + size;
    if (REAL(writev)(log_fd, parts, 4) != (ssize_t)whole) abort();
}

static void die_at(long long moment) {
    if (kill_at < 0 || kill_at != moment) return;
    kill(whole_group ? 0 : getpid(), SIGKILL);
    for (;;) pause();
}

/* A boundary is near: returns its number, counted from 1; 0 for what is not counted. */
static uint64_t before(enum op op, const char *first, const char *second) {
    if (*skipped && !strncmp(first, skipped, strlen(skipped))) return 0;
    uint64_t number = __atomic_add_fetch(&shared->boundaries, 1, __ATOMIC_SEQ_CST);
    if (!recording) note(op, number, 0, 0, first, second, NULL, 0);
    die_at(2 * (long long)number);
    return number;
}

static void after(uint64_t number) { die_at(2 * (long long)number + 1); }

static int names_commit(const char *path) {
    size_t length = strlen(path);
    return length > 5 && !strcmp(path + length - 5, ".json") && strstr(path, "/_delta_log/");
}

/* --- data ------------------------------------------------------------------------------------------------------------------------------ */

static void wrote(int fd, off_t at, const void *data, ssize_t size, const char *path) {
    note(WRITE, 0, inode_at(fd), at, path, NULL, data, size);
}

/* What the kernel itself has moved into a file is read back. */
static void moved_in(int fd, off_t at, ssize_t size, const char *path) {
    char link[64], *data = malloc(size);
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    int reader = REAL(open)(link, O_RDONLY | O_CLOEXEC);
    if (!data || reader < 0 || pread(reader, data, size, at) != size) abort();
    close(reader);
    wrote(fd, at, data, size, path);
    free(data);
}

/* What is said is noted when it was: a pipe may be full until somebody who waits for a turn reads it. */
static void said_aloud(int fd, const void *data, ssize_t size) {
    int kept = errno;
    take_turn();
    note(SAID, 0, 0, fd, NULL, NULL, data, size);
    give_turn();
    errno = kept;
}

#define WRITES(CALL, WHERE, DATA)                                                  \
    char path[PATH_MAX];                                                           \
    if (!shared || !recording || (fd > 2 && !place_of(fd, path))) return CALL;     \
    if (fd <= 2) {                                                                 \
        ssize_t spoken = CALL;                                                     \
        if (spoken > 0) said_aloud(fd, DATA, spoken);                              \
        return spoken;                                                             \
    }                                                                              \
    take_turn();                                                                   \
    ssize_t done = CALL;                                                           \
    int said = errno;                                                              \
    if (done > 0) { const void *bytes = DATA; off_t begun = WHERE; wrote(fd, begun, bytes, done, path); } \
    give_turn();                                                                   \
    errno = said;                                                                  \
    return done

ssize_t write(int fd, const void *data, size_t size) { WRITES(REAL(write)(fd, data, size), lseek(fd, 0, SEEK_CUR) - done, data); }
ssize_t pwrite(int fd, const void *data, size_t size, off_t at) { WRITES(REAL(pwrite)(fd, data, size, at), at, data); }
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) { WRITES(REAL(pwrite64)(fd, data, size, at), at, data); }

static const void *gathered(const struct iovec *parts, int count) {
    static __thread char *buffer;
    size_t size = 0, at = 0;
    for (int i = 0; i < count; i++) size += parts[i].iov_len;
    buffer = realloc(buffer, size + 1);
    for (int i = 0; i < count; at += parts[i++].iov_len) memcpy(buffer + at, parts[i].iov_base, parts[i].iov_len);
    return buffer;
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    WRITES(REAL(writev)(fd, parts, count), lseek(fd, 0, SEEK_CUR) - done, gathered(parts, count));
}
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) { WRITES(REAL(pwritev)(fd, parts, count, at), at, gathered(parts, count)); }
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t at) { WRITES(REAL(pwritev64)(fd, parts, count, at), at, gathered(parts, count)); }

#define MOVES(CALL, WHERE)                                                         \
    char path[PATH_MAX];                                                           \
    if (!shared || !recording || !place_of(out, path)) return CALL;                \
    take_turn();                                                                   \
    ssize_t done = CALL;                                                           \
    int said = errno;                                                              \
    if (done > 0) moved_in(out, (WHERE) - done, done, path);                       \
    give_turn();                                                                   \
    errno = said;                                                                  \
    return done

ssize_t copy_file_range(int in, off64_t *from, int out, off64_t *to, size_t size, unsigned flags) {
    MOVES(REAL(copy_file_range)(in, from, out, to, size, flags), to ? *to : lseek(out, 0, SEEK_CUR));
}
ssize_t sendfile(int out, int in, off_t *from, size_t size) { MOVES(REAL(sendfile)(out, in, from, size), lseek(out, 0, SEEK_CUR)); }
ssize_t sendfile64(int out, int in, off64_t *from, size_t size) { MOVES(REAL(sendfile64)(out, in, from, size), lseek(out, 0, SEEK_CUR)); }
ssize_t splice(int in, off64_t *from, int out, off64_t *to, size_t size, unsigned flags) {
    MOVES(REAL(splice)(in, from, out, to, size, flags), to ? *to : lseek(out, 0, SEEK_CUR));
}

/* Whatever has changed a file's length: the new one is noted. */
#define RESIZES(CALL)                                                              \
    char path[PATH_MAX];                                                           \
    if (!shared || !recording || !place_of(fd, path)) return CALL;                 \
    take_turn();                                                                   \
    int done = CALL, said = errno;                                                 \
    struct stat now;                                                               \
    if (!done && !fstat(fd, &now)) note(TRUNCATE, 0, now.st_ino, now.st_size, path, NULL, NULL, 0); \
    give_turn();                                                                   \
    errno = said;                                                                  \
    return done

int ftruncate(int fd, off_t size) { RESIZES(REAL(ftruncate)(fd, size)); }
int ftruncate64(int fd, off64_t size) { RESIZES(REAL(ftruncate64)(fd, size)); }
int fallocate(int fd, int mode, off_t at, off_t size) { RESIZES(REAL(fallocate)(fd, mode, at, size)); }
int fallocate64(int fd, int mode, off64_t at, off64_t size) { RESIZES(REAL(fallocate64)(fd, mode, at, size)); }
int posix_fallocate(int fd, off_t at, off_t size) { RESIZES(REAL(posix_fallocate)(fd, at, size)); }
int posix_fallocate64(int fd, off64_t at, off64_t size) { RESIZES(REAL(posix_fallocate64)(fd, at, size)); }

static int resize(const char *name, off_t size, int (*call)(const char *, off_t)) {
    char path[PATH_MAX];
    if (!shared || !recording || !place(AT_FDCWD, name, path)) return call(name, size);
    take_turn();
    int done = call(name, size), said = errno;
    if (!done) note(TRUNCATE, 0, inode_of(path), size, path, NULL, NULL, 0);
    give_turn();
    errno = said;
    return done;
}
int truncate(const char *name, off_t size) { return resize(name, size, REAL(truncate)); }
int truncate64(const char *name, off64_t size) { return resize(name, size, REAL(truncate64)); }

/* --- durability ------------------------------------------------------------------------------------------------------------------------ */

#define SYNCS(CALL)                                                                \
    char path[PATH_MAX];                                                           \
    if (!shared || !place_of(fd, path)) return CALL;                               \
    take_turn();                                                                   \
    uint64_t number = before(SYNC, path, NULL);                                    \
    int done = CALL, said = errno;                                                 \
    if (recording && !done) note(SYNC, number, inode_at(fd), 0, path, NULL, NULL, 0); \
    after(number);                                                                 \
    give_turn();                                                                   \
    errno = said;                                                                  \
    return done

int fsync(int fd) { SYNCS(REAL(fsync)(fd)); }
int fdatasync(int fd) { SYNCS(REAL(fdatasync)(fd)); }

void sync(void) {
    if (!shared) { REAL(sync)(); return; }
    take_turn();
    uint64_t number = before(SYNC, root, NULL);
    if (recording) note(SYNC, number, 0, 0, root, NULL, NULL, 0); /* the disk of the machine is nobody's business here */
    after(number);
    give_turn();
}

/* --- names ----------------------------------------------------------------------------------------------------------------------------- */

static int opens(int folder, const char *name, int flags, mode_t mode, int (*call)(int, const char *, int, mode_t)) {
    char path[PATH_MAX];
    if (!shared || !(flags & (O_CREAT | O_TRUNC)) || (flags & O_TMPFILE) == O_TMPFILE || !place(folder, name, path)) return call(folder, name, flags, mode);
    if (!recording && !names_commit(path)) return call(folder, name, flags, mode);
    take_turn();
    uint64_t there = inode_of(path), number = !there && names_commit(path) ? before(CREATE, path, NULL) : 0;
    int done = call(folder, name, flags, mode), said = errno;
    if (recording && done >= 0) {
        if (!there) note(CREATE, number, inode_at(done), 0, path, NULL, NULL, 0);
        else if (flags & O_TRUNC) note(TRUNCATE, 0, inode_at(done), 0, path, NULL, NULL, 0);
    }
    if (number) after(number);
    give_turn();
    errno = said;
    return done;
}

static int real_openat(int folder, const char *name, int flags, mode_t mode) { return REAL(openat)(folder, name, flags, mode); }
#define MODE                                                                       \
    mode_t mode = 0;                                                               \
    if (flags & (O_CREAT | O_TMPFILE)) { va_list more; va_start(more, flags); mode = va_arg(more, mode_t); va_end(more); }

int open(const char *name, int flags, ...) { MODE return opens(AT_FDCWD, name, flags, mode, real_openat); }
int open64(const char *name, int flags, ...) { MODE return opens(AT_FDCWD, name, flags | O_LARGEFILE, mode, real_openat); }
int openat(int folder, const char *name, int flags, ...) { MODE return opens(folder, name, flags, mode, real_openat); }
int openat64(int folder, const char *name, int flags, ...) { MODE return opens(folder, name, flags | O_LARGEFILE, mode, real_openat); }
int creat(const char *name, mode_t mode) { return opens(AT_FDCWD, name, O_CREAT | O_WRONLY | O_TRUNC, mode, real_openat); }
int creat64(const char *name, mode_t mode) { return opens(AT_FDCWD, name, O_CREAT | O_WRONLY | O_TRUNC, mode, real_openat); }
int __open_2(const char *name, int flags) { return opens(AT_FDCWD, name, flags, 0, real_openat); }
int __open64_2(const char *name, int flags) { return opens(AT_FDCWD, name, flags, 0, real_openat); }
int __openat_2(int folder, const char *name, int flags) { return opens(folder, name, flags, 0, real_openat); }
int __openat64_2(int folder, const char *name, int flags) { return opens(folder, name, flags, 0, real_openat); }

/* A change of names: a boundary, but for the making and taking away of folders. */
#define NAMES(OP, ONE, OTHER, IS_BOUNDARY, CALL)                                   \
    char first[PATH_MAX] = "", second[PATH_MAX] = "";                              \
    if (!shared || !((ONE) | (OTHER))) return CALL;                                \
    take_turn();                                                                   \
    uint64_t number = (IS_BOUNDARY) ? before(OP, first, second) : 0;               \
    int done = CALL, said = errno;                                                 \
    if (recording && !done) note(OP, number, OP == MKDIR ? inode_of(first) : 0, 0, first, second, NULL, 0); \
    if (number) after(number);                                                     \
    give_turn();                                                                   \
    errno = said;                                                                  \
    return done

int rename(const char *from, const char *to) {
    NAMES(RENAME, place(AT_FDCWD, from, first), place(AT_FDCWD, to, second), 1, REAL(rename)(from, to));
}
int renameat(int there, const char *from, int here, const char *to) {
    NAMES(RENAME, place(there, from, first), place(here, to, second), 1, REAL(renameat)(there, from, here, to));
}
int renameat2(int there, const char *from, int here, const char *to, unsigned flags) {
    NAMES(RENAME, place(there, from, first), place(here, to, second), 1, REAL(renameat2)(there, from, here, to, flags));
}
int link(const char *from, const char *to) {
    NAMES(LINK, place(AT_FDCWD, from, first), place(AT_FDCWD, to, second), 1, REAL(link)(from, to));
}
int linkat(int there, const char *from, int here, const char *to, int flags) {
    NAMES(LINK, place(there, from, first), place(here, to, second), 1, REAL(linkat)(there, from, here, to, flags));
}
int symlink(const char *target, const char *to) {
    NAMES(SYMLINK, place(AT_FDCWD, to, second), (snprintf(first, sizeof first, "%s", target), 0), 0, REAL(symlink)(target, to));
}
int symlinkat(const char *target, int here, const char *to) {
    NAMES(SYMLINK, place(here, to, second), (snprintf(first, sizeof first, "%s", target), 0), 0, REAL(symlinkat)(target, here, to));
}
int unlink(const char *name) { NAMES(UNLINK, place(AT_FDCWD, name, first), 0, 1, REAL(unlink)(name)); }
int rmdir(const char *name) { NAMES(RMDIR, place(AT_FDCWD, name, first), 0, 0, REAL(rmdir)(name)); }
int unlinkat(int folder, const char *name, int flags) {
    if (flags & AT_REMOVEDIR) { NAMES(RMDIR, place(folder, name, first), 0, 0, REAL(unlinkat)(folder, name, flags)); }
    NAMES(UNLINK, place(folder, name, first), 0, 1, REAL(unlinkat)(folder, name, flags));
}
int remove(const char *name) {
    struct stat found;
    return !lstat(name, &found) && S_ISDIR(found.st_mode) ? rmdir(name) : unlink(name);
}
int mkdir(const char *name, mode_t mode) { NAMES(MKDIR, place(AT_FDCWD, name, first), 0, 0, REAL(mkdir)(name, mode)); }
int mkdirat(int folder, const char *name, mode_t mode) { NAMES(MKDIR, place(folder, name, first), 0, 0, REAL(mkdirat)(folder, name, mode)); }

/* --- calls by number ------------------------------------------------------------------------------------------------------------------- */

long syscall(long number, ...) {
    long a[6];
    va_list more;
    va_start(more, number);
    for (int i = 0; i < 6; i++) a[i] = va_arg(more, long);
    va_end(more);
    if (shared) switch (number) {
        case SYS_renameat2: return renameat2(a[0], (const char *)a[1], a[2], (const char *)a[3], a[4]);
        case SYS_copy_file_range: return copy_file_range(a[0], (off64_t *)a[1], a[2], (off64_t *)a[3], a[4], a[5]);
        case SYS_openat: return opens(a[0], (const char *)a[1], a[2], a[3], real_openat);
        case SYS_linkat: return linkat(a[0], (const char *)a[1], a[2], (const char *)a[3], a[4]);
        case SYS_unlinkat: return unlinkat(a[0], (const char *)a[1], a[2]);
        case SYS_fsync: return fsync(a[0]);
        case SYS_fdatasync: return fdatasync(a[0]);
        case SYS_write: return write(a[0], (const void *)a[1], a[2]);
        case SYS_ftruncate: return ftruncate(a[0], a[1]);
        case SYS_fallocate: return fallocate(a[0], a[1], a[2], a[3]);
    }
    return REAL(syscall)(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
