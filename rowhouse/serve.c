/*
 * `rowhouse serve`: the server.
 *
 * The main thread blocks the signals before any other thread starts, opens the
 * engine, starts HTTP, and then only waits for signals and feeds systemd's
 * watchdog. SIGTERM or SIGINT: stop accepting, finish what is in flight, close
 * every database, exit 0. A second one ends the process at once.
 *
 * Until the server listens nothing is logged, so that a start that fails says
 * exactly one line.
 */
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "app/app.h"
#include "base/log.h"
#include "http/http.h"
#include "rowhouse/commands.h"
#include "rowhouse/secret.h"
#include "rowhouse/server_settings.h"

enum { EXIT_USAGE = 2, CLOSE_GRACE_S = 20, LOCK_POLL_MS = 20 };

static void engine_config_from(const struct command_context *cx, struct engine_config *c)
{
    const struct server_settings *s = cx->settings;
    engine_config_standard(c);
    c->path = s->database_path;
    c->app = *cx->app;
    c->create_open = s->tenant_create == 0;
    c->durability = (enum durability)s->durability;
    c->open_tenants_max = (unsigned)s->open_tenants_max;
    c->readers_max = (unsigned)s->readers_per_tenant;
    c->writer_threads = (unsigned)s->writer_threads;
    c->reader_threads = (unsigned)s->reader_threads;
    c->write_queue_max = (unsigned)s->write_queue;
    c->write_queue_total_max = (unsigned)s->write_queue_total;
    c->idle_close_ms = s->idle_close_ms;
    c->busy_timeout_ms = s->busy_timeout_ms;
}

static void http_config_from(const struct command_context *cx, struct http_config *c)
{
    const struct server_settings *s = cx->settings;
    *c = (struct http_config){
        .host = s->host,
        .port = s->port,
        .admin_host = s->admin_host,
        .admin_port = s->admin_port,
        .admin_port_set = setting_is_set(cx->table, "ADMIN_PORT"),
        .base_domain = s->base_domain,
        .base_domain_set = setting_is_set(cx->table, "BASE_DOMAIN"),
        .threads = s->threads,
        .header_timeout_ms = s->header_timeout_ms,
        .body_timeout_ms = s->body_timeout_ms,
        .keep_alive_ms = s->keep_alive_ms,
        .handler_timeout_ms = s->handler_timeout_ms,
        .drain_ms = s->drain_ms,
        .connections_max = s->connections_max,
        .connections_per_address = s->connections_per_address,
        .tenant_create_rate = s->tenant_create_rate,
        .tenant_create_closed = s->tenant_create == 1,
        .durability_set = true,
        .durability = (enum durability)s->durability,
        .routes = app_routes,
        .route_count = app_route_count,
        .assets = app_assets,
        .asset_count = app_asset_count,
        .openapi_components = app_openapi_components,
        .openapi_title = app_title,
        .error_page = app_error_page,
    };
}

/* As many descriptors as the hard limit allows, and few malloc arenas: many
 * threads that each allocate little would else hold megabytes of their own. */
static void prepare_process(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    mallopt(M_ARENA_MAX, 4);
    mallopt(M_TRIM_THRESHOLD, 1 << 20);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
}

static void block_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    pthread_sigmask(SIG_BLOCK, set, NULL);
}

/* Returns once SIGTERM or SIGINT came. */
static int wait_for_signal(const sigset_t *set)
{
    uint64_t watchdog_us = 0;
    bool watched = sd_watchdog_enabled(0, &watchdog_us) > 0;
    const struct timespec period = {
        .tv_sec = watched ? (time_t)(watchdog_us / 3000000) : 3600,
        .tv_nsec = watched ? (long)(watchdog_us / 3 % 1000000 * 1000) : 0,
    };
    for (;;) {
        int signal_number = sigtimedwait(set, NULL, &period);
        if (signal_number > 0)
            return signal_number;
        if (watched)
            sd_notify(0, "WATCHDOG=1");
    }
}

/* Opens the engine; with `wait`, tries until the server that has the folder is
 * gone. *ret stays NULL, without an error, where a signal ended the waiting. */
static int open_engine(const struct engine_config *config, bool wait, const sigset_t *set,
                       struct engine **ret, struct err *e)
{
    const struct timespec pause = {.tv_nsec = LOCK_POLL_MS * NS_PER_MS};
    for (;;) {
        int rc = engine_open(config, ret, e);
        if (rc != ERR_EXISTS || !wait)
            return rc;
        if (sigtimedwait(set, NULL, &pause) > 0)
            return 0;
    }
}

/* From here a second signal, or a close that hangs, ends the process. */
static void arm_second_signal(const sigset_t *set, int64_t drain_ms)
{
    signal(SIGTERM, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    pthread_sigmask(SIG_UNBLOCK, set, NULL);
    alarm((unsigned)(drain_ms / 1000) + CLOSE_GRACE_S);
}

static int serve_until_signal(const struct command_context *cx, struct engine *en,
                              const sigset_t *set, struct err *e)
{
    struct http_config config;
    struct http_server *server = NULL;
    http_config_from(cx, &config);
    int rc = secret_load(cx->settings->secret_key, cx->settings->database_path, config.secret, e);
    if (rc == 0)
        rc = http_start(&config, en, &server, e);
    if (rc < 0)
        return rc;

    log_event(LOG_INFO, "rowhouse", "serving", LOG_I("port", http_port(server)),
              LOG_I("admin_port", http_admin_port(server)),
              LOG_C("database_path", cx->settings->database_path), LOG_I("pid", getpid()),
              LOG_C("version", ROWHOUSE_VERSION));
    sd_notifyf(0, "READY=1\nSTATUS=Serving on port %d", http_port(server));

    int signal_number = wait_for_signal(set);
    sd_notify(0, "STOPPING=1");
    log_event(LOG_INFO, "rowhouse", "stopping",
              LOG_C("signal", signal_number == SIGTERM ? "SIGTERM" : "SIGINT"));
    arm_second_signal(set, cx->settings->drain_ms);
    http_stop(server);
    return 0;
}

static int serve_run(const struct command_context *cx, int argc, const char **argv)
{
    bool wait = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            puts("usage: rowhouse serve [--wait] [--SETTING VALUE]...\n\n"
                 "Serves the tenants of DATABASE_PATH until SIGTERM.\n\n"
                 "  --wait  where another server has the folder, wait until it is done\n\n"
                 "rowhouse --help lists the settings.");
            return 0;
        }
        if (strcmp(argv[i], "--wait") != 0) {
            fprintf(stderr, "rowhouse: serve does not know %s; try rowhouse serve --help\n",
                    argv[i]);
            return EXIT_USAGE;
        }
        wait = true;
    }

    struct err e = ERR_INIT;
    struct engine_config config;
    struct engine *en = NULL;
    sigset_t set;
    prepare_process();
    block_signals(&set);
    engine_config_from(cx, &config);
    int rc = open_engine(&config, wait, &set, &en, &e);
    if (rc == 0 && en)
        rc = serve_until_signal(cx, en, &set, &e);
    engine_close(en);
    if (rc < 0) {
        fprintf(stderr, "rowhouse: %s\n", e.text);
        return EXIT_USAGE;
    }
    log_event(LOG_INFO, "rowhouse", "stopped");
    return 0;
}

const struct command command_serve = {
    .name = "serve",
    .args = "[--wait]",
    .summary = "serve the tenants over HTTP until SIGTERM",
    .run = serve_run,
};
