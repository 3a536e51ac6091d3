/* The table of settings. Names are environment variables; `--database-path`
 * is the option of DATABASE_PATH. */
#include "rowhouse/server_settings.h"

#include <assert.h>

static const char *const create_choices[] = {"open", "closed", NULL};
static const char *const durability_choices[] = {"relaxed", "local", NULL};
static const char *const format_choices[] = {"text", "json", NULL};

enum { HOUR_MS = 3600 * 1000 };

static void add(struct settings_table *t, struct setting s)
{
    assert(t->n < SERVER_SETTINGS_MAX);
    t->items[t->n++] = s;
}

static void add_where(struct server_settings *s, struct settings_table *t)
{
    const char *group = "Where";
    add(t, (struct setting){"DATABASE_PATH", SETTING_STRING, &s->database_path, "./data",
                            .group = group,
                            .help = "Folder of the databases, one file a tenant. Made where "
                                    "it is missing."});
    add(t, (struct setting){"PORT", SETTING_INT, &s->port, "8080", 0, 65535, .group = group,
                            .help = "Port of the API and the pages; 0 takes a free one."});
    add(t, (struct setting){"HOST", SETTING_STRING, &s->host, NULL, .group = group,
                            .help = "Addresses to listen on, separated by commas. Unset: "
                                    "loopback only (127.0.0.1 and ::1), since nothing asks "
                                    "for credentials."});
    add(t, (struct setting){"BASE_DOMAIN", SETTING_STRING, &s->base_domain, NULL, .group = group,
                            .help = "Domains whose first label in front names a tenant, "
                                    "separated by commas. Unset: localhost, and "
                                    "$FLY_APP_NAME.fly.dev where that is set."});
    add(t, (struct setting){"ADMIN_PORT", SETTING_INT, &s->admin_port, "9180", 0, 65535,
                            .group = group,
                            .help = "Port of /metrics; 0 turns the admin listener off."});
    add(t, (struct setting){"ADMIN_HOST", SETTING_STRING, &s->admin_host, "127.0.0.1",
                            .group = group, .help = "Address of the admin listener."});
    add(t, (struct setting){"THREADS", SETTING_INT, &s->threads, "0", 0, 64, .group = group,
                            .help = "Event loops; 0 is one a core."});
    add(t, (struct setting){"SECRET_KEY", SETTING_STRING, &s->secret_key, NULL, .group = group,
                            .help = "Authenticates paging cursors. Unset: a random one, kept "
                                    "in the folder of the databases (.rowhouse.secret).",
                            .secret = true});
}

static void add_tenants(struct server_settings *s, struct settings_table *t)
{
    const char *group = "Tenants";
    add(t, (struct setting){"TENANT_CREATE", SETTING_CHOICE, &s->tenant_create, "open",
                            .choices = create_choices, .group = group,
                            .help = "open: the first access makes a tenant. closed: only "
                                    "`rowhouse tenants create` does."});
    add(t, (struct setting){"TENANT_CREATE_RATE", SETTING_INT, &s->tenant_create_rate, "-1", -1,
                            1000000, .group = group,
                            .help = "Tenants that one client address may create in a minute; 0 "
                                    "is no limit; -1 is 60, and no limit from loopback."});
    add(t, (struct setting){"OPEN_TENANTS", SETTING_INT, &s->open_tenants_max, "0", 0, 1000000,
                            .group = group,
                            .help = "Databases held open at the most, the longest unused are "
                                    "closed; 0 chooses by the limits on descriptors and "
                                    "memory."});
    add(t, (struct setting){"READERS_PER_TENANT", SETTING_INT, &s->readers_per_tenant, "4", 1, 4,
                            .group = group,
                            .help = "Reading connections a tenant has at the most, beside its "
                                    "one writer."});
    add(t, (struct setting){"IDLE_CLOSE", SETTING_DURATION, &s->idle_close_ms, "60s", 10,
                            24 * HOUR_MS, .group = group,
                            .help = "A tenant that nobody used for so long is closed."});
}

static void add_writing(struct server_settings *s, struct settings_table *t)
{
    const char *group = "Writing";
    add(t, (struct setting){"DURABILITY", SETTING_CHOICE, &s->durability, "local",
                            .choices = durability_choices, .group = group,
                            .help = "What an acknowledged write survives: relaxed, the death of "
                                    "the process; local, the loss of power. A request may ask "
                                    "otherwise by Prefer: durability=."});
    add(t, (struct setting){"WRITER_THREADS", SETTING_INT, &s->writer_threads, "16", 1, 256,
                            .group = group,
                            .help = "Tenants that may write and flush at the same time."});
    add(t, (struct setting){"READER_THREADS", SETTING_INT, &s->reader_threads, "8", 1, 256,
                            .group = group,
                            .help = "Threads for opening databases and for long reads."});
    add(t,
        (struct setting){"WRITE_QUEUE", SETTING_INT, &s->write_queue, "4096", 1, 1000000,
                         .group = group, .help = "Writes that may wait for one tenant, then 503."});
    add(t, (struct setting){"WRITE_QUEUE_TOTAL", SETTING_INT, &s->write_queue_total, "65536", 1,
                            10000000, .group = group,
                            .help = "Writes that may wait for all tenants, then 503."});
    add(t, (struct setting){"BUSY_TIMEOUT", SETTING_DURATION, &s->busy_timeout_ms, "2s", 0, HOUR_MS,
                            .group = group,
                            .help = "How long to wait for a database that another process has "
                                    "locked, then 503."});
}

static void add_clients(struct server_settings *s, struct settings_table *t)
{
    const char *group = "Clients";
    add(t, (struct setting){"CONNECTIONS", SETTING_INT, &s->connections_max, "0", 0, 1000000,
                            .group = group,
                            .help = "Connections at the most; 0 chooses by the limit on "
                                    "descriptors."});
    add(t, (struct setting){"CONNECTIONS_PER_ADDRESS", SETTING_INT, &s->connections_per_address,
                            "-1", -1, 1000000, .group = group,
                            .help = "Connections from one client address; 0 is no limit; -1 is "
                                    "256, and no limit from loopback."});
    add(t, (struct setting){"HEADER_TIMEOUT", SETTING_DURATION, &s->header_timeout_ms, "10s", 10,
                            HOUR_MS, .group = group,
                            .help = "For the headers of a request, from the connection's first "
                                    "moment."});
    add(t, (struct setting){"BODY_TIMEOUT", SETTING_DURATION, &s->body_timeout_ms, "20s", 10,
                            HOUR_MS, .group = group,
                            .help = "Between two parts of a body; after 10 s it must also come "
                                    "at 1 KiB/s or more."});
    add(t, (struct setting){"KEEP_ALIVE_TIMEOUT", SETTING_DURATION, &s->keep_alive_ms, "60s", 10,
                            HOUR_MS, .group = group, .help = "Between two requests."});
    add(t, (struct setting){"HANDLER_TIMEOUT", SETTING_DURATION, &s->handler_timeout_ms, "30s", 10,
                            HOUR_MS, .group = group, .help = "For the answer, then 503."});
    add(t, (struct setting){"DRAIN_TIMEOUT", SETTING_DURATION, &s->drain_ms, "10s", 0, HOUR_MS,
                            .group = group, .help = "After SIGTERM, for requests in flight."});
}

static void add_logs(struct server_settings *s, struct settings_table *t)
{
    const char *group = "Logs";
    add(t, (struct setting){"RUST_LOG", SETTING_STRING, &s->log_filter, "info", .group = group,
                            .help = "Levels: LEVEL or MODULE=LEVEL, separated by commas; off, "
                                    "error, warn, info, debug, trace. Modules: rowhouse, http, "
                                    "engine."});
    add(t, (struct setting){"LOG_FORMAT", SETTING_CHOICE, &s->log_format, "text",
                            .choices = format_choices, .group = group,
                            .help = "One event a line on stderr, as text or JSON."});
}

void server_settings_table(struct server_settings *s, struct settings_table *t)
{
    t->n = 0;
    add_where(s, t);
    add_tenants(s, t);
    add_writing(s, t);
    add_clients(s, t);
    add_logs(s, t);
}

const struct setting *settings_entry(const struct settings_table *t, const char *name)
{
    for (size_t i = 0; i < t->n; i++)
        if (strcmp(t->items[i].name, name) == 0)
            return &t->items[i];
    assert(false && "a setting that is not in the table");
    return NULL;
}

bool setting_is_set(const struct settings_table *t, const char *name)
{
    return strcmp(settings_entry(t, name)->source, "default") != 0;
}
