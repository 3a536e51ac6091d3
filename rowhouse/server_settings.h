/*
 * Every setting of the program, in one table: it makes the parsing, `--help`,
 * `rowhouse config` and the list in rowhouse(1).
 */
#ifndef ROWHOUSE_SERVER_SETTINGS_H
#define ROWHOUSE_SERVER_SETTINGS_H

#include "base/settings.h"

struct server_settings {
    /* where and for whom */
    char *database_path;
    char *host, *admin_host, *base_domain;
    int64_t port, admin_port;
    int64_t threads;

    /* tenants */
    int tenant_create; /* index into the choices: 0 open, 1 closed */
    int64_t tenant_create_rate;
    int64_t open_tenants_max, readers_per_tenant;
    int64_t idle_close_ms;

    /* writing */
    int durability; /* index: enum durability */
    int64_t writer_threads, reader_threads;
    int64_t write_queue, write_queue_total;
    int64_t busy_timeout_ms;

    /* clients */
    int64_t connections_max, connections_per_address;
    int64_t header_timeout_ms, body_timeout_ms, keep_alive_ms, handler_timeout_ms, drain_ms;
    char *secret_key;

    /* logs */
    char *log_filter;
    int log_format; /* enum log_format */
};

enum { SERVER_SETTINGS_MAX = 40 };

struct settings_table {
    struct setting items[SERVER_SETTINGS_MAX];
    size_t n;
};

/* Fills `t` with the table, each entry pointing into `s`. */
void server_settings_table(struct server_settings *s, struct settings_table *t);

/* The entry of that name; never NULL for a name of the table. */
const struct setting *settings_entry(const struct settings_table *t, const char *name);

/* True where somebody gave the value, by environment or option. */
bool setting_is_set(const struct settings_table *t, const char *name);

#endif
