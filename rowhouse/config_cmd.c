/* `rowhouse config`: checks the settings and prints every one with its source. */
#include <stdio.h>
#include <string.h>

#include "rowhouse/commands.h"
#include "rowhouse/server_settings.h"

enum { EXIT_USAGE = 2 };

static void print_text(const struct settings_table *t, struct buf *out)
{
    struct buf value = BUF_INIT;
    for (size_t i = 0; i < t->n; i++) {
        const struct setting *s = &t->items[i];
        buf_reset(&value);
        setting_print(s, &value);
        buf_printf(out, "%s=%s  # %s\n", s->name, buf_cstr(&value), s->source);
    }
    buf_free(&value);
}

static int config_run(const struct command_context *cx, int argc, const char **argv)
{
    bool json = false;
    bool mdoc = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            puts("usage: rowhouse config [--json|--mdoc] [--SETTING VALUE]...\n\n"
                 "Checks every setting and prints it with where it comes from.\n\n"
                 "  --json  as one JSON object\n"
                 "  --mdoc  the table as it stands in rowhouse(1)");
            return 0;
        }
        json = json || strcmp(argv[i], "--json") == 0;
        mdoc = mdoc || strcmp(argv[i], "--mdoc") == 0;
        if (strcmp(argv[i], "--json") != 0 && strcmp(argv[i], "--mdoc") != 0) {
            fputs("usage: rowhouse config [--json|--mdoc] [--SETTING VALUE]...\n", stderr);
            return EXIT_USAGE;
        }
    }
    struct buf out = BUF_INIT;
    if (mdoc)
        settings_mdoc(cx->table->items, cx->table->n, &out);
    else if (json)
        settings_json(cx->table->items, cx->table->n, &out);
    else
        print_text(cx->table, &out);
    bool written = buf_ok(&out) && fwrite(out.p, 1, out.n, stdout) == out.n && fflush(stdout) == 0;
    buf_free(&out);
    return written ? 0 : 1;
}

const struct command command_config = {
    .name = "config",
    .args = "[--json]",
    .summary = "check the settings and print them all",
    .run = config_run,
};
