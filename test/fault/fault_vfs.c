#include "test/fault/fault_vfs.h"

#include <assert.h>
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SECTOR = 512 };

/* One write (or truncation: data is NULL, the size is `offset`) since the last
 * sync. */
struct change {
    struct change *next;
    int64_t offset;
    int64_t n;
    unsigned char *data;
};

/* What is known of one file, by name; shared by all that have it open. */
struct known_file {
    struct known_file *next;
    char *path;
    int pin; /* O_PATH, so that the inode is not used again; -1 */
    unsigned char *durable;
    int64_t durable_n;
    struct change *changes, **changes_end;
};

struct fault_file {
    sqlite3_file base;
    struct known_file *known; /* NULL: not tracked */
    const char *name;         /* SQLite's; NULL: a file without a name */
    sqlite3_file *real;       /* behind this struct */
};

static struct {
    pthread_mutex_t lock; /* guards all below */
    sqlite3_vfs vfs;
    sqlite3_vfs *real;
    struct known_file *files;
    bool lost; /* the power is gone */
    int64_t calls[FAULT_CALLS];
    int64_t countdown[FAULT_CALLS];
    int rc[FAULT_CALLS];
    bool for_ever[FAULT_CALLS];
    int64_t failed;
    int64_t close_ms;
    const char *only; /* faults are of names with this in it; NULL: of all */
} fault = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void *must(void *p)
{
    if (!p)
        abort();
    return p;
}

static bool is_meant_locked(const char *name)
{
    return !fault.only || (name && strstr(name, fault.only));
}

/* The code that this call on the file of that name fails with, or SQLITE_OK. */
static int fault_due(enum fault_call call, const char *name)
{
    int rc = SQLITE_OK;
    pthread_mutex_lock(&fault.lock);
    bool meant = is_meant_locked(name);
    fault.calls[call] += meant;
    if (fault.lost && call != FAULT_READ) {
        rc = SQLITE_IOERR;
    } else if (meant && fault.countdown[call] > 0 && --fault.countdown[call] == 0) {
        rc = fault.rc[call];
        fault.failed++;
        if (fault.for_ever[call])
            fault.countdown[call] = 1;
    }
    pthread_mutex_unlock(&fault.lock);
    return rc;
}

static bool power_is_lost(void)
{
    pthread_mutex_lock(&fault.lock);
    bool lost = fault.lost;
    pthread_mutex_unlock(&fault.lock);
    return lost;
}

/* Changes. */

/* Room for n bytes, in powers of two: a file grows by one page after the other. */
static size_t room_for(int64_t n)
{
    size_t room = n ? 4096 : 0;
    while (room < (size_t)n)
        room *= 2;
    return room;
}

static void apply(unsigned char **bytes, int64_t *n, int64_t offset, const unsigned char *data,
                  int64_t size)
{
    if (!data) {
        if (offset < *n)
            *n = offset;
        return;
    }
    if (!size)
        return;
    if (offset + size > *n) {
        if (!*bytes || room_for(*n) < room_for(offset + size))
            *bytes = must(realloc(*bytes, room_for(offset + size)));
        memset(*bytes + *n, 0, (size_t)(offset + size - *n));
        *n = offset + size;
    }
    memcpy(*bytes + offset, data, (size_t)size);
}

static void note_change(struct known_file *f, int64_t offset, const void *data, int64_t n)
{
    struct change *c = must(calloc(1, sizeof *c));
    c->offset = offset;
    c->n = n;
    if (data) {
        c->data = must(malloc((size_t)n + 1));
        memcpy(c->data, data, (size_t)n);
    }
    pthread_mutex_lock(&fault.lock);
    *f->changes_end = c;
    f->changes_end = &c->next;
    pthread_mutex_unlock(&fault.lock);
}

static void drop_changes(struct known_file *f)
{
    for (struct change *c = f->changes, *next; c; c = next) {
        next = c->next;
        free(c->data);
        free(c);
    }
    f->changes = NULL;
    f->changes_end = &f->changes;
}

/* All that was written is on the disk now. */
static void note_sync(struct known_file *f)
{
    pthread_mutex_lock(&fault.lock);
    for (struct change *c = f->changes; c; c = c->next)
        apply(&f->durable, &f->durable_n, c->offset, c->data, c->n);
    drop_changes(f);
    pthread_mutex_unlock(&fault.lock);
}

/* After a flush that failed the kernel holds what it could not write for clean:
 * the next flush says nothing, and the disk never gets those bytes unless they
 * are written again. */
static void note_failed_sync(struct known_file *f)
{
    pthread_mutex_lock(&fault.lock);
    drop_changes(f);
    pthread_mutex_unlock(&fault.lock);
}

/* Reads what a file has when it is first opened: that is on the disk. */
static void read_whole(struct known_file *f)
{
    FILE *in = fopen(f->path, "rb");
    if (!in)
        return;
    unsigned char part[65536];
    size_t n;
    while ((n = fread(part, 1, sizeof part, in)) > 0)
        apply(&f->durable, &f->durable_n, f->durable_n, part, (int64_t)n);
    fclose(in);
}

/* Whether the name still leads to the file that was known by it. */
static bool is_there(const struct known_file *f)
{
    struct stat known, now;
    return f->pin >= 0 && fstat(f->pin, &known) == 0 && stat(f->path, &now) == 0 &&
           known.st_ino == now.st_ino && known.st_dev == now.st_dev;
}

/* A descriptor with O_PATH: closing it drops no lock of SQLite's. */
static void pin(struct known_file *f)
{
    if (f->pin >= 0)
        close(f->pin);
    f->pin = open(f->path, O_PATH | O_CLOEXEC);
    if (f->pin < 0)
        abort();
}

static struct known_file *find_locked(const char *path)
{
    struct known_file *f = fault.files;
    while (f && strcmp(f->path, path) != 0)
        f = f->next;
    return f;
}

/* The file that the path leads to now, after it was opened. */
static struct known_file *know_file(const char *path)
{
    pthread_mutex_lock(&fault.lock);
    struct known_file *f = find_locked(path);
    if (!f) {
        f = must(calloc(1, sizeof *f));
        f->path = must(strdup(path));
        f->pin = -1;
        f->changes_end = &f->changes;
        f->next = fault.files;
        fault.files = f;
    }
    if (!is_there(f)) {
        pin(f);
        f->durable_n = 0;
        drop_changes(f);
        read_whole(f);
    }
    pthread_mutex_unlock(&fault.lock);
    return f;
}

/* The methods of a file. */

static struct fault_file *self(sqlite3_file *file)
{
    return (struct fault_file *)file;
}

static int file_close(sqlite3_file *file)
{
    pthread_mutex_lock(&fault.lock);
    int64_t ms = fault.close_ms;
    pthread_mutex_unlock(&fault.lock);
    usleep((useconds_t)ms * 1000);
    return self(file)->real->pMethods->xClose(self(file)->real);
}

static int file_read(sqlite3_file *file, void *to, int n, sqlite3_int64 offset)
{
    int rc = fault_due(FAULT_READ, self(file)->name);
    return rc ? rc : self(file)->real->pMethods->xRead(self(file)->real, to, n, offset);
}

static int write_part(sqlite3_file *file, const void *from, int n, sqlite3_int64 offset)
{
    int rc = self(file)->real->pMethods->xWrite(self(file)->real, from, n, offset);
    if (rc == SQLITE_OK && self(file)->known)
        note_change(self(file)->known, offset, from, n);
    return rc;
}

/* Where a write fails, half of it is there. */
static int file_write(sqlite3_file *file, const void *from, int n, sqlite3_int64 offset)
{
    int rc = fault_due(FAULT_WRITE, self(file)->name);
    if (rc && !power_is_lost() && n > 1)
        write_part(file, from, n / 2, offset);
    return rc ? rc : write_part(file, from, n, offset);
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    int rc = fault_due(FAULT_TRUNCATE, self(file)->name);
    if (rc == SQLITE_OK)
        rc = self(file)->real->pMethods->xTruncate(self(file)->real, size);
    if (rc == SQLITE_OK && self(file)->known)
        note_change(self(file)->known, size, NULL, 0);
    return rc;
}

static int file_sync(sqlite3_file *file, int flags)
{
    int rc = fault_due(FAULT_SYNC, self(file)->name);
    if (rc && self(file)->known && !power_is_lost())
        note_failed_sync(self(file)->known);
    if (rc == SQLITE_OK)
        rc = self(file)->real->pMethods->xSync(self(file)->real, flags);
    if (rc == SQLITE_OK && self(file)->known)
        note_sync(self(file)->known);
    return rc;
}

static int file_size(sqlite3_file *file, sqlite3_int64 *ret)
{
    int rc = fault_due(FAULT_SIZE, self(file)->name);
    return rc ? rc : self(file)->real->pMethods->xFileSize(self(file)->real, ret);
}

static int file_lock(sqlite3_file *file, int level)
{
    int rc = fault_due(FAULT_LOCK, self(file)->name);
    return rc ? rc : self(file)->real->pMethods->xLock(self(file)->real, level);
}

static int file_unlock(sqlite3_file *file, int level)
{
    return self(file)->real->pMethods->xUnlock(self(file)->real, level);
}

static int file_reserved(sqlite3_file *file, int *ret)
{
    return self(file)->real->pMethods->xCheckReservedLock(self(file)->real, ret);
}

static int file_control(sqlite3_file *file, int op, void *argument)
{
    return self(file)->real->pMethods->xFileControl(self(file)->real, op, argument);
}

static int file_sector(sqlite3_file *file)
{
    return self(file)->real->pMethods->xSectorSize(self(file)->real);
}

/* Nothing is promised, so that SQLite relies on syncs alone. */
static int file_device(sqlite3_file *file)
{
    (void)file;
    return 0;
}

static int file_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **ret)
{
    int rc = fault_due(FAULT_SHM_MAP, self(file)->name);
    return rc ? rc : self(file)->real->pMethods->xShmMap(self(file)->real, page, size, extend, ret);
}

static int file_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
    /* SQLite relies on it that giving a lock up cannot fail. */
    int rc = flags & SQLITE_SHM_LOCK ? fault_due(FAULT_SHM_LOCK, self(file)->name) : SQLITE_OK;
    return rc ? rc : self(file)->real->pMethods->xShmLock(self(file)->real, offset, n, flags);
}

static void file_shm_barrier(sqlite3_file *file)
{
    self(file)->real->pMethods->xShmBarrier(self(file)->real);
}

static int file_shm_unmap(sqlite3_file *file, int remove)
{
    return self(file)->real->pMethods->xShmUnmap(self(file)->real, remove);
}

static const sqlite3_io_methods file_methods = {
    .iVersion = 2,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_reserved,
    .xFileControl = file_control,
    .xSectorSize = file_sector,
    .xDeviceCharacteristics = file_device,
    .xShmMap = file_shm_map,
    .xShmLock = file_shm_lock,
    .xShmBarrier = file_shm_barrier,
    .xShmUnmap = file_shm_unmap,
};

/* The methods of the VFS. */

static int vfs_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *file, int flags,
                    int *ret_flags)
{
    const int tracked = SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL;
    struct fault_file *f = self(file);
    (void)vfs;
    file->pMethods = NULL;
    int rc = fault_due(FAULT_OPEN, name);
    if (rc)
        return rc;
    f->real = (sqlite3_file *)(f + 1);
    f->name = name;
    rc = fault.real->xOpen(fault.real, name, f->real, flags, ret_flags);
    if (rc)
        return rc;
    f->known = name && (flags & tracked) ? know_file(name) : NULL;
    file->pMethods = &file_methods;
    return SQLITE_OK;
}

/* A file that is unlinked is gone from the disk at once. */
static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync_folder)
{
    (void)vfs;
    int rc = fault_due(FAULT_DELETE, name);
    return rc ? rc : fault.real->xDelete(fault.real, name, sync_folder);
}

static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *ret)
{
    (void)vfs;
    int rc = fault_due(FAULT_ACCESS, name);
    return rc ? rc : fault.real->xAccess(fault.real, name, flags, ret);
}

void fault_vfs_install(void)
{
    fault.real = sqlite3_vfs_find(NULL);
    fault.vfs = *fault.real;
    fault.vfs.zName = "fault";
    fault.vfs.szOsFile = (int)sizeof(struct fault_file) + fault.real->szOsFile;
    fault.vfs.pNext = NULL;
    fault.vfs.xOpen = vfs_open;
    fault.vfs.xDelete = vfs_delete;
    fault.vfs.xAccess = vfs_access;
    fault.lost = false;
    fault.only = NULL;
    fault.close_ms = 0;
    memset(fault.calls, 0, sizeof fault.calls);
    memset(fault.countdown, 0, sizeof fault.countdown);
    sqlite3_vfs_register(&fault.vfs, 1);
}

void fault_vfs_remove(void)
{
    sqlite3_vfs_unregister(&fault.vfs);
    sqlite3_vfs_register(fault.real, 1);
    for (struct known_file *f = fault.files, *next; f; f = next) {
        next = f->next;
        drop_changes(f);
        if (f->pin >= 0)
            close(f->pin);
        free(f->durable);
        free(f->path);
        free(f);
    }
    fault.files = NULL;
}

void fault_vfs_fail(enum fault_call call, int64_t n, int sqlite_rc, bool for_ever)
{
    pthread_mutex_lock(&fault.lock);
    fault.countdown[call] = n;
    fault.rc[call] = sqlite_rc;
    fault.for_ever[call] = for_ever;
    fault.failed = 0;
    pthread_mutex_unlock(&fault.lock);
}

void fault_vfs_stop(void)
{
    pthread_mutex_lock(&fault.lock);
    memset(fault.countdown, 0, sizeof fault.countdown);
    pthread_mutex_unlock(&fault.lock);
}

void fault_vfs_only(const char *part)
{
    pthread_mutex_lock(&fault.lock);
    fault.only = part;
    pthread_mutex_unlock(&fault.lock);
}

void fault_vfs_slow_close(int64_t ms)
{
    pthread_mutex_lock(&fault.lock);
    fault.close_ms = ms;
    pthread_mutex_unlock(&fault.lock);
}

int64_t fault_vfs_failed(void)
{
    pthread_mutex_lock(&fault.lock);
    int64_t n = fault.failed;
    pthread_mutex_unlock(&fault.lock);
    return n;
}

int64_t fault_vfs_calls(enum fault_call call)
{
    pthread_mutex_lock(&fault.lock);
    int64_t n = fault.calls[call];
    pthread_mutex_unlock(&fault.lock);
    return n;
}

void fault_vfs_power_loss(void)
{
    pthread_mutex_lock(&fault.lock);
    fault.lost = true;
    pthread_mutex_unlock(&fault.lock);
}

/* xorshift64*: a seed gives the same disk again. */
static uint64_t draw(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(2685821657736338717);
}

static void survive(unsigned char **bytes, int64_t *n, const struct change *c, uint64_t *state)
{
    uint64_t fate = draw(state) % 4;
    if (fate == 0)
        return;
    if (fate > 1 || !c->data) {
        apply(bytes, n, c->offset, c->data, c->n);
        return;
    }
    for (int64_t at = 0; at < c->n; at += SECTOR) {
        int64_t part = c->n - at < SECTOR ? c->n - at : SECTOR;
        if (draw(state) % 2)
            apply(bytes, n, c->offset + at, c->data + at, part);
    }
}

void fault_vfs_disk(const char *folder, uint64_t seed)
{
    uint64_t state = seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
    pthread_mutex_lock(&fault.lock);
    for (struct known_file *f = fault.files; f; f = f->next) {
        unsigned char *bytes = NULL;
        int64_t n = 0;
        char path[4096];
        if (!is_there(f))
            continue;
        if (f->durable_n)
            apply(&bytes, &n, 0, f->durable, f->durable_n);
        for (struct change *c = f->changes; c; c = c->next)
            survive(&bytes, &n, c, &state);
        snprintf(path, sizeof path, "%s%s", folder, strrchr(f->path, '/'));
        FILE *out = fopen(path, "wb");
        if (!out || (n && fwrite(bytes, 1, (size_t)n, out) != (size_t)n) || fclose(out) != 0)
            abort();
        free(bytes);
    }
    pthread_mutex_unlock(&fault.lock);
}
