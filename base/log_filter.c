/*
 * Reading and asking a log filter. As in env_logger, a name stands for all
 * modules that begin with it, and a bare word that is no level is a module at
 * trace. Unlike there, modules that are not named keep to info.
 */
#include "base/log_filter.h"

static bool parse_level(struct str s, enum log_level *ret)
{
    static const struct str names[] = {STR_INIT("off"),  STR_INIT("error"), STR_INIT("warn"),
                                       STR_INIT("info"), STR_INIT("debug"), STR_INIT("trace")};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (str_eq_nocase(s, names[i])) {
            *ret = (enum log_level)i;
            return true;
        }
    }
    return false;
}

static bool is_module_name(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        bool digit = c >= '0' && c <= '9';
        if (!letter && !digit && (c == '\0' || !strchr("_-:.", c)))
            return false;
    }
    return s.n > 0 && s.n < LOG_FILTER_NAME_BYTES;
}

static int set_module(struct log_filter *f, struct str name, enum log_level level, struct err *e)
{
    if (!is_module_name(name))
        return err_set(e, ERR_USAGE,
                       "\"%.*s\" is not a module's name (letters, digits, _ - : . up to %d)",
                       STR_ARG(str_sub(name, 0, 80)), LOG_FILTER_NAME_BYTES - 1);
    struct log_filter_module *m = f->modules, *end = f->modules + f->n_modules;
    while (m < end && !str_eq(str_make(m->name, m->name_bytes), name))
        m++;
    if (m == end && f->n_modules++ == LOG_FILTER_MODULES)
        return err_set(e, ERR_USAGE, "more than %d modules", LOG_FILTER_MODULES);
    memcpy(m->name, name.p, name.n);
    m->name_bytes = name.n;
    m->level = level;
    return OK;
}

static int parse_part(struct log_filter *f, struct str part, struct err *e)
{
    struct str rest = part;
    struct str name = str_trim(str_cut(&rest, '='));
    if (!rest.p)
        return parse_level(name, &f->level) ? OK : set_module(f, name, LOG_TRACE, e);
    enum log_level level;
    if (!parse_level(str_trim(rest), &level))
        return err_set(e, ERR_USAGE,
                       "\"%.*s\" does not end in a level (off, error, warn, info, debug or trace)",
                       STR_ARG(str_sub(part, 0, 80)));
    return set_module(f, name, level, e);
}

int log_filter_parse(struct str text, struct log_filter *ret, struct err *e)
{
    struct log_filter f = {.level = LOG_INFO};
    struct str rest = text;
    while (rest.p) {
        struct str part = str_trim(str_cut(&rest, ','));
        int rc = part.n ? parse_part(&f, part, e) : OK;
        if (rc)
            return rc;
    }
    f.highest = f.level;
    for (size_t i = 0; i < f.n_modules; i++) {
        if (f.modules[i].level > f.highest)
            f.highest = f.modules[i].level;
    }
    *ret = f;
    return OK;
}

enum log_level log_filter_level(const struct log_filter *f, struct str module)
{
    enum log_level level = f->level;
    size_t longest = 0;
    for (size_t i = 0; i < f->n_modules; i++) {
        const struct log_filter_module *m = &f->modules[i];
        if (m->name_bytes > longest && str_starts(module, str_make(m->name, m->name_bytes))) {
            longest = m->name_bytes;
            level = m->level;
        }
    }
    return level;
}
