/*
 * The engine: every tenant in its own SQLite database.
 *
 * Callers hand in jobs; the engine opens, creates and migrates the tenant's
 * database as needed, lends a connection, and closes what is idle. It knows
 * nothing of HTTP or of what the tables mean.
 *
 * Threads: engine_submit(), the catalog, the feed and the facts may be called
 * from any thread. A job's `read`, `write` and `task` run on an engine thread
 * (a `read` also on the submitting thread, see below), its `done` on an engine
 * thread. None of the callbacks may submit and wait.
 */
#ifndef ROWHOUSE_ENGINE_ENGINE_H
#define ROWHOUSE_ENGINE_ENGINE_H

#include "base/clock.h"
#include "base/uuid.h"
#include "engine/sql.h"
#include "engine/tenant_name.h"

/* What a write survives once it is acknowledged. */
enum durability {
    DURABILITY_RELAXED, /* the death of the process */
    DURABILITY_LOCAL,   /* the loss of power: flushed to the disk */
    DURABILITY_REPLICA  /* the loss of the primary machine (in a cluster) */
};

const char *durability_name(enum durability d);
bool durability_parse(struct str s, enum durability *ret);

/* A tenant's line in a listing, kept in memory and refreshed by the engine. */
struct tenant_summary {
    int64_t rows;                      /* what the application counts: its items */
    char last_activity[RFC3339_BYTES]; /* "" where unknown */
    char created_at[RFC3339_BYTES];
};

/* What the application brings. All of it outlives the engine. */
struct engine_app {
    const struct sql_module *sql;
    const struct migration *migrations;
    unsigned migration_count;
    /* Fills the rows a new tenant begins with. Runs once a tenant, in the
     * transaction that makes it. */
    int (*on_create)(struct write_tx *tx, const struct tenant_name *tenant, struct err *e);
    /* Tells `ids` of the highest id there is, whenever a tenant was opened. Only
     * reads. NULL: the clock alone keeps ids in order. */
    int (*on_open)(struct write_tx *tx, struct uuid_gen *ids, struct err *e);
    int (*summarise)(struct reader *r, struct tenant_summary *ret, struct err *e);
};

struct engine_config {
    const char *path; /* DATABASE_PATH; made where it is missing */
    struct engine_app app;
    bool create_open;           /* TENANT_CREATE=open: jobs with .create make a tenant */
    enum durability durability; /* of jobs that ask for nothing */
    unsigned open_tenants_max;  /* LRU bound; 0: from RLIMIT_NOFILE and memory */
    unsigned readers_max;       /* read connections a tenant, 1..4 */
    unsigned writer_threads;    /* tenants that may flush at the same time */
    unsigned reader_threads;    /* cold opens and long reads */
    unsigned write_queue_max;   /* writes waiting for one tenant (reads likewise), then ERR_BUSY */
    unsigned write_queue_total_max; /* all jobs waiting, then ERR_BUSY */
    int64_t idle_close_ms;          /* a tenant unused for so long is closed */
    int64_t busy_timeout_ms;        /* for locks that another process holds */
    int64_t inline_budget_us;       /* a read on the submitting thread, then it moves to a worker */
    int64_t failed_retry_ms;        /* a failed tenant is tried again after this */
    bool wait_for_lock;             /* serve --wait */
};

void engine_config_standard(struct engine_config *c);

struct engine;

/* Takes the lock of the folder, reads its names, starts the threads.
 * ERR_EXISTS where another server has the folder; ERR_READ_ONLY, ERR_PERMISSION,
 * ERR_IO where the folder cannot be used. */
int engine_open(const struct engine_config *c, struct engine **ret, struct err *e);

/* Refuses new jobs (ERR_SHUTDOWN), finishes those it has, checkpoints and
 * closes every database, gives the lock up. NULL is allowed. */
void engine_close(struct engine *en);

/*
 * A unit of work for one tenant. The caller owns it and keeps it alive until
 * engine_submit() answered with something else than ERR_AGAIN, or `done` ran.
 */
struct job {
    /* set by the caller */
    struct tenant_name tenant;
    bool create;                /* make the tenant where it does not exist */
    bool may_inline;            /* a read may run on the submitting thread */
    int64_t deadline_ns;        /* monotonic; ERR_TIMEOUT once it has passed; 0: none */
    enum durability durability; /* of a write */

    /* Exactly one of these. A negative return undoes the job's own writes and
     * is what `done` gets; the batch around it goes on.
     *
     * `read` sees one snapshot. It may be called a second time from the start,
     * after it was interrupted for taking too long where it ran first.
     * `write` runs in a savepoint; what it wrote is acknowledged by done(0)
     * only when it is as durable as asked. It too may be called a second time
     * from the start, after another job made SQLite undo their transaction.
     * `task` has no tenant; it may block for a while. */
    int (*read)(struct job *job, struct reader *r);
    int (*write)(struct job *job, struct write_tx *tx);
    int (*task)(struct job *job);
    void (*done)(struct job *job, int rc);

    /* results, valid in `done` */
    struct err err;
    enum durability reached;

    /* the engine's own */
    struct job *next;
    struct tenant *owner;
    int64_t submitted_ns;
    int rc;
    struct feed_event *events; /* what write emitted, in order */
};

/*
 * ERR_AGAIN: queued, `done` will be called exactly once, perhaps before this
 * returns. Anything else: finished (0) or failed, `done` will not be called.
 * ERR_BUSY: a queue is full. ERR_NOT_FOUND: no such tenant (and not to be
 * made). ERR_SHUTDOWN. ERR_CORRUPT, ERR_NEWER, ERR_ALTERED, ERR_UNUSABLE: the
 * tenant cannot be used now; ERR_REPLACED: its file changed under a write that
 * was not acknowledged.
 */
int engine_submit(struct engine *en, struct job *job);

/* The generator of ids of the tenant being written: monotonic for this tenant
 * also over restarts where on_open told it the highest one. For `write` only. */
struct uuid_gen *write_tx_ids(struct write_tx *tx);

/* Now, the same for the whole job, RFC 3339. For `write` only. */
struct str write_tx_now(struct write_tx *tx);

/* Hands an event to the tenant's subscribers once the write is acknowledged;
 * it is dropped where the job fails. Copies. */
int write_tx_emit(struct write_tx *tx, struct str type, struct str data);

/*
 * The catalog: which tenants exist, in order of name. Held in memory, kept
 * true by the engine's own creations and deletions and by watching the folder.
 */
struct catalog_page {
    struct tenant_name *names; /* in the arena */
    size_t n;
    bool more;
};

/* Names that begin with `prefix` and come after `after` (both may be empty). */
int catalog_list(struct engine *en, struct str prefix, struct str after, unsigned limit,
                 struct arena *arena, struct catalog_page *ret, struct err *e);
int64_t catalog_count(struct engine *en);
bool catalog_has(struct engine *en, const struct tenant_name *t);

enum tenant_state {
    TENANT_ABSENT,
    TENANT_CREATING,
    TENANT_OPENING,
    TENANT_MIGRATING,
    TENANT_READY,
    TENANT_IDLE_CLOSING,
    TENANT_FAILED,
    TENANT_DELETING
};

const char *tenant_state_name(enum tenant_state s);

struct tenant_facts {
    enum tenant_state state; /* ABSENT where it is not open: its file may exist */
    char path[4096];
    int64_t file_bytes, wal_bytes;
    unsigned schema_version;
    unsigned connections; /* open at this moment, writer included */
    unsigned readers, writers;
    struct err failure; /* why FAILED */
};

/* Files and pool of a tenant, without opening it. ERR_NOT_FOUND. */
int engine_facts(struct engine *en, const struct tenant_name *t, struct tenant_facts *ret,
                 struct err *e);

/* From memory where the tenant's files have not changed, else by a short read
 * of its database. Blocks: for `task` jobs and commands. */
int engine_summary(struct engine *en, const struct tenant_name *t, struct tenant_summary *ret,
                   int64_t *ret_bytes, struct err *e);

struct engine_stats {
    int64_t open_tenants, connections, write_queue, threads;
};
void engine_stats(struct engine *en, struct engine_stats *ret);

/* True while the engine takes jobs and its folder can be written. */
bool engine_ready(struct engine *en, struct err *e);

/*
 * The feed: what changed in a tenant, for those who watch. The last events of
 * each tenant are held in memory, bounded in number and bytes.
 */
struct feed_event {
    struct feed_event *next; /* the engine's own */
    _Atomic int refs;
    bool relaxed;    /* the engine's own */
    uint64_t number; /* the engine's own: the last part of the id */
    char id[40];     /* unlike any other, also over a restart */
    struct str type; /* "item.created" */
    struct str data; /* one JSON value without line breaks */
};

struct feed_subscription;

/*
 * Watches a tenant. `wake` is called from any thread when there is something
 * to take, at most once until feed_next() returned NULL; it must only wake
 * somebody. With a `last_id` that is still held, what came after it is there
 * to take at once; *ret_gap tells that it is not held any more.
 */
int feed_subscribe(struct engine *en, const struct tenant_name *t, struct str last_id,
                   void (*wake)(void *ctx), void *ctx, struct feed_subscription **ret,
                   bool *ret_gap, struct err *e);

/* The next event (give it back with feed_event_unref), or NULL. A subscriber
 * that is too far behind loses the oldest: *ret_gap is set. */
struct feed_event *feed_next(struct feed_subscription *sub, bool *ret_gap);
void feed_event_unref(struct feed_event *ev);

/* No `wake` runs any more once this returned. NULL is allowed. */
void feed_unsubscribe(struct feed_subscription *sub);

#endif
