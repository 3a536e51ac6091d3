/*
 * A tenant's line in a listing: from memory as long as its files have not
 * changed, else by a short read of its database.
 *
 * A file's time moves in steps of some milliseconds, and the WAL keeps its
 * size while it is written over. So what was read so soon after the last
 * change that another could hide in the same step is handed out but not kept.
 * Any thread; blocks on the disk.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "engine/catalog_internal.h"
#include "engine/migrate.h"

enum { SETTLED_MS = 50, WORDS_A_FILE = 4 };

static uint64_t ns_of(struct timespec t)
{
    return (uint64_t)t.tv_sec * (uint64_t)NS_PER_S + (uint64_t)t.tv_nsec;
}

/* Inode, size and times of one file; zeros where it does not exist. */
static int stamp_file(const struct store *s, const struct tenant_name *t, const char *ending,
                      uint64_t words[WORDS_A_FILE], struct err *e)
{
    char name[STORE_FILE_BYTES];
    struct stat st;
    store_file_name(t, ending, name);
    memset(words, 0, WORDS_A_FILE * sizeof *words);
    if (fstatat(s->dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : err_errno(e, errno, "cannot look at %s", name);
    words[0] = st.st_ino;
    words[1] = (uint64_t)st.st_size;
    words[2] = ns_of(st.st_mtim);
    words[3] = ns_of(st.st_ctim);
    return 0;
}

static int stamp(const struct store *s, const struct tenant_name *t, struct file_stamp *ret,
                 struct err *e)
{
    int rc = stamp_file(s, t, ".db", ret->words, e);
    if (!rc && ret->words[0] == 0)
        rc = err_set(e, ERR_NOT_FOUND, "there is no tenant %s", t->s);
    return rc ? rc : stamp_file(s, t, ".db-wal", ret->words + WORDS_A_FILE, e);
}

static bool is_settled(const struct file_stamp *st)
{
    uint64_t newest = st->words[2] > st->words[6] ? st->words[2] : st->words[6];
    return (uint64_t)clock_real_ns() > newest + SETTLED_MS * (uint64_t)NS_PER_MS;
}

/* A tenant whose schema this program has yet to bring up to date has no
 * summary that it could read: the line stays empty. */
static int read_summary(struct store *s, const struct tenant_name *t, struct tenant_summary *ret,
                        struct err *e)
{
    struct store_conn c;
    struct migrate_result state;
    int rc = store_conn_open(s, t, CONN_READ, &c, e);
    if (rc)
        return rc;
    rc = migrate_look(&c.reader, s->app, &state, e);
    if (!rc && s->app->summarise && !state.changed)
        rc = s->app->summarise(&c.reader, ret, e);
    store_conn_close(s, &c);
    return rc;
}

int catalog_summary(struct catalog *c, struct store *s, const struct tenant_name *t,
                    struct tenant_summary *ret, int64_t *ret_bytes, struct err *e)
{
    struct file_stamp before, after;
    struct tenant_summary summary = {0};
    int rc = stamp(s, t, &before, e);
    if (rc)
        return rc;
    if (!catalog_summary_get(c, t, &before, &summary)) {
        rc = read_summary(s, t, &summary, e);
        if (rc)
            return rc;
        if (is_settled(&before) && stamp(s, t, &after, NULL) == 0 &&
            memcmp(&before, &after, sizeof after) == 0)
            catalog_summary_put(c, t, &before, &summary);
    }
    *ret = summary;
    *ret_bytes = (int64_t)(before.words[1] + before.words[1 + WORDS_A_FILE]);
    return 0;
}
