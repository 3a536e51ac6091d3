/*
 * What catalog.c (the index) and catalog_watch.c (keeping it true) share.
 */
#ifndef ROWHOUSE_ENGINE_CATALOG_INTERNAL_H
#define ROWHOUSE_ENGINE_CATALOG_INTERNAL_H

#include <pthread.h>
#include <sqlite3.h>

#include "engine/catalog.h"
#include "engine/store_internal.h"

enum catalog_statement {
    CATALOG_ADD,
    CATALOG_MARK, /* one that is there was met again */
    CATALOG_REMOVE,
    CATALOG_HAS,
    CATALOG_FROM,  /* names from one on, itself included */
    CATALOG_AFTER, /* names after one */
    CATALOG_SUMMARY_GET,
    CATALOG_SUMMARY_PUT,
    CATALOG_FORGET, /* names that a scan did not meet */
    CATALOG_STATEMENTS
};

struct catalog {
    struct store *store; /* not owned */
    pthread_mutex_t lock;

    /* under lock */
    sqlite3 *db;
    sqlite3_stmt *statements[CATALOG_STATEMENTS];
    int64_t size;
    /* The scan that is going on or was the last one. A name has the number of
     * the scan that met it, or during which it was put. */
    int64_t scan;

    /* of the watching thread; set before it starts */
    int notify; /* inotify, or -1 */
    int stop;   /* eventfd */
    bool polls; /* the file system may change without telling */
    pthread_t thread;
    bool started;
};

/* Reads the folder and makes the index equal to it. */
int catalog_scan(struct catalog *c, struct err *e);

/* Makes the index tell what the folder says of one name. Not 0: it may not. */
int catalog_look(struct catalog *c, const struct tenant_name *t);

/* Several names at once, in one transaction. */
int catalog_put_many(struct catalog *c, const struct tenant_name *names, size_t n, struct err *e);

/* Begins a scan; forgets the names that it has not met. */
void catalog_scan_begin(struct catalog *c);
int catalog_scan_end(struct catalog *c, struct err *e);

int catalog_watch_start(struct catalog *c, struct err *e);
void catalog_watch_stop(struct catalog *c);

#endif
