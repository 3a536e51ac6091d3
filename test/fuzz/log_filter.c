/*
 * The log's filter: lines are filter, then names of modules. Which level a
 * module has is worked out again from the filter's text.
 */
#include "base/log_filter.h"

#include "fuzz.h"
#include "oracle.h"

static int level_of(struct str s)
{
    static const char *const names[] = {"off", "error", "warn", "info", "debug", "trace"};
    for (int i = 0; i < 6; i++)
        if (oracle_same_nocase(s, str_from(names[i])))
            return i;
    return -1;
}

struct part {
    struct str name; /* "" for the general level */
    int level;
};

/* False where the part is wrong, or says nothing. */
static bool read_part(struct str text, struct part *ret)
{
    const char *equals = text.n ? memchr(text.p, '=', text.n) : NULL;
    struct str name = oracle_trim(str_make(text.p, equals ? (size_t)(equals - text.p) : text.n));
    int level = level_of(name);
    if (equals) {
        size_t from = (size_t)(equals - text.p) + 1;
        *ret = (struct part){name, level_of(oracle_trim(str_make(text.p + from, text.n - from)))};
        return true;
    }
    *ret = level >= 0 ? (struct part){STR(""), level} : (struct part){name, LOG_TRACE};
    return name.n > 0;
}

static int oracle_level(struct str filter, struct str module)
{
    int level = LOG_INFO;
    size_t longest = 0, from = 0;
    for (size_t i = 0; i <= filter.n; i++) {
        struct part p;
        if (i < filter.n && filter.p[i] != ',')
            continue;
        if (read_part(str_make(filter.p + from, i - from), &p)) {
            bool begins = p.name.n <= module.n &&
                          (p.name.n == 0 || memcmp(p.name.p, module.p, p.name.n) == 0);
            if (begins && p.name.n >= longest) {
                longest = p.name.n;
                level = p.level;
            }
        }
        from = i + 1;
    }
    return level;
}

void fuzz_one(struct str in, struct arena *a)
{
    (void)a;
    struct log_filter f;
    struct err e = ERR_INIT;
    struct str rest = in, filter = fuzz_line(&rest);
    int rc = log_filter_parse(filter, &f, &e);
    if (rc < 0) {
        FUZZ_CHECK(rc == ERR_USAGE && e.text[0] && fuzz_is_one_line(str_from(e.text)));
        return;
    }
    FUZZ_CHECK(f.n_modules <= LOG_FILTER_MODULES);
    int highest = (int)f.level;
    for (size_t i = 0; i < f.n_modules; i++) {
        struct str name = str_make(f.modules[i].name, f.modules[i].name_bytes);
        FUZZ_CHECK(name.n > 0 && name.n < LOG_FILTER_NAME_BYTES);
        FUZZ_CHECK((int)log_filter_level(&f, name) == oracle_level(filter, name));
        highest = (int)f.modules[i].level > highest ? (int)f.modules[i].level : highest;
    }
    FUZZ_CHECK((int)f.highest == highest);
    while (rest.n) {
        struct str module = fuzz_line(&rest);
        FUZZ_CHECK((int)log_filter_level(&f, module) == oracle_level(filter, module));
    }
}
