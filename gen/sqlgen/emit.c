/*
 * What header and source have in common: signatures, strings, types.
 */
#include <ctype.h>

#include "gen/sqlgen/emit.h"

const char *emit_c_type(enum sql_type type, bool nullable)
{
    switch (type) {
    case TYPE_INT:
        return nullable ? "struct optint" : "int64_t";
    case TYPE_REAL:
        return nullable ? "struct optreal" : "double";
    default:
        return nullable ? "struct optstr" : "struct str";
    }
}

bool emit_is_bytes(enum sql_type type)
{
    return type == TYPE_TEXT || type == TYPE_BLOB;
}

void emit_bytes(struct buf *out, struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c == '\n')
            buf_lit(out, "\\n");
        else if (c == '"' || c == '\\' || c == '?') /* '?': no trigraph */
            buf_printf(out, "\\%c", c);
        else if (c < 0x20 || c >= 0x7f)
            buf_printf(out, "\\%03o", c);
        else
            buf_char(out, (char)c);
    }
}

void emit_literal(struct buf *out, struct str s, const char *indent)
{
    do {
        size_t end = str_index(s, '\n');
        struct str line = str_sub(s, 0, end < s.n ? end + 1 : end);
        buf_printf(out, "%s\"", indent);
        emit_bytes(out, line);
        buf_lit(out, "\"");
        s = str_sub(s, line.n, s.n);
        if (s.n)
            buf_char(out, '\n');
    } while (s.n);
}

void emit_comment(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        buf_char(out, text.p[i]);
        char after = i + 1 < text.n ? text.p[i + 1] : '\0';
        if ((text.p[i] == '*' && after == '/') || (text.p[i] == '/' && after == '*'))
            buf_char(out, ' ');
        if (text.p[i] == '\n')
            buf_lit(out, " * ");
    }
}

const char *emit_base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

void emit_upper(struct buf *out, const char *name)
{
    for (; *name; name++)
        buf_char(out, (char)toupper((unsigned char)*name));
}

/* `struct reader *r, const struct X_args *a, `, the part all begin with. */
static void emit_first_params(struct buf *out, const struct query *q)
{
    buf_printf(out, "%s, ", q->writes ? "struct write_tx *tx" : "struct reader *r");
    if (q->n_params)
        buf_printf(out, "const struct %.*s_args *a, ", STR_ARG(q->name));
}

void emit_signature(struct buf *out, const struct query *q, enum emit_function f)
{
    int n = (int)q->name.n;
    const char *name = q->name.p;
    switch (f) {
    case EMIT_ONE:
        buf_printf(out, "int %.*s(", n, name);
        emit_first_params(out, q);
        buf_printf(out, "struct arena *arena,\n    struct %.*s_row *ret, struct err *e)", n, name);
        break;
    case EMIT_EXEC:
        buf_printf(out, "int %.*s(", n, name);
        emit_first_params(out, q);
        buf_lit(out, "int64_t *ret_changes,\n    struct err *e)");
        break;
    case EMIT_BEGIN:
        buf_printf(out, "int %.*s_begin(", n, name);
        emit_first_params(out, q);
        buf_printf(out, "struct %.*s_iter *it,\n    struct err *e)", n, name);
        break;
    case EMIT_NEXT:
        buf_printf(out, "int %.*s_next(struct %.*s_iter *it, struct %.*s_row *ret, struct err *e)",
                   n, name, n, name, n, name);
        break;
    case EMIT_END:
        buf_printf(out, "void %.*s_end(struct %.*s_iter *it)", n, name, n, name);
        break;
    case EMIT_ALL:
        buf_printf(out, "int %.*s_all(", n, name);
        emit_first_params(out, q);
        buf_printf(out,
                   "struct arena *arena,\n    struct %.*s_row **ret_rows, size_t *ret_n, "
                   "struct err *e)",
                   n, name);
        break;
    }
}

void emit_iter(struct buf *out, const struct query *q)
{
    buf_printf(out, "struct %.*s_iter {\n    struct sql_rows rows;\n};\n\n", STR_ARG(q->name));
}
