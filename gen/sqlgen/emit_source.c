/*
 * The generated source: the statements, and for each query the small functions
 * around engine/sql.h that move values between it and the typed structs.
 */
#include "gen/sqlgen/emit.h"

/* `    if (!rc)\n        rc = CALL` but for the first, which is `    int rc = CALL`. */
static void emit_call(struct buf *out, bool first)
{
    buf_lit(out, "    ");
    if (!first)
        buf_lit(out, "if (!rc)\n        ");
    buf_printf(out, "%src = ", first ? "int " : "");
}

static bool has_bytes(const struct query *q)
{
    for (unsigned i = 0; i < q->n_columns; i++)
        if (emit_is_bytes(q->columns[i].type))
            return true;
    return false;
}

static void emit_module(struct gen *g, const struct emit_options *o, struct buf *out)
{
    unsigned n = 0;
    buf_printf(out, "static const struct sql_statement statements[] = {\n");
    for (const struct query *q = g->queries; q; q = q->next, n++) {
        buf_printf(out, "    {\"%.*s\",\n", STR_ARG(q->name));
        emit_literal(out, q->sql, "     ");
        buf_printf(out, ",\n     %zu, %s},\n", q->sql.n, q->writes ? "true" : "false");
    }
    buf_printf(out,
               "};\n\nconst struct sql_module %s_sql_module = {\"%s\", %u, statements, %u};\n\n",
               o->module, o->module, o->slot, n);
}

/* X_start: the prepared statement with its arguments bound. */
static void emit_start(const struct emit_options *o, struct buf *out, const struct query *q,
                       unsigned index)
{
    buf_printf(out, "static int %.*s_start(struct conn *c, ", STR_ARG(q->name));
    if (q->n_params)
        buf_printf(out, "const struct %.*s_args *a, ", STR_ARG(q->name));
    buf_lit(out, "sqlite3_stmt **ret, struct err *e)\n{\n");
    if (!q->n_params) {
        buf_printf(out, "    return sql_prepare(c, &%s_sql_module, %u, ret, e);\n}\n\n", o->module,
                   index);
        return;
    }
    buf_printf(
        out,
        "    sqlite3_stmt *st = NULL;\n    int rc = sql_prepare(c, &%s_sql_module, %u, &st, e);\n"
        "    if (rc)\n        return rc;\n",
        o->module, index);
    for (unsigned i = 0; i < q->n_params; i++) {
        const struct note *p = &q->params[i];
        if (i)
            emit_call(out, false);
        else
            buf_lit(out, "    rc = ");
        buf_printf(out, "sql_bind_%s%s(st, %d, a->%.*s);\n", p->mark == NULL_MAYBE ? "opt" : "",
                   type_word(p->type), p->index, STR_ARG(p->name));
    }
    buf_printf(out,
               "    if (rc) {\n"
               "        rc = sql_error(sqlite3_db_handle(st), rc, \"%.*s\", e);\n"
               "        sql_reset(st);\n        return rc;\n    }\n    *ret = st;\n    return 0;\n"
               "}\n\n",
               STR_ARG(q->name));
}

/* X_read: the columns of the row at hand. */
static void emit_read(struct buf *out, const struct query *q)
{
    buf_printf(out,
               "static int %.*s_read(sqlite3_stmt *st, struct %.*s_row *row, struct err *e)\n{\n",
               STR_ARG(q->name), STR_ARG(q->name));
    for (unsigned i = 0; i < q->n_columns; i++) {
        const struct column *c = &q->columns[i];
        emit_call(out, i == 0);
        buf_printf(out, "sql_%s_%s(st, %u, &row->%.*s, e);\n", c->nullable ? "opt" : "need",
                   type_word(c->type), i, STR_ARG(c->name));
    }
    buf_lit(out, "    return rc;\n}\n\n");
}

/* X_keep: copies what the row borrows into the arena. */
static void emit_keep(struct buf *out, const struct query *q)
{
    bool first = true;
    buf_printf(out,
               "static int %.*s_keep(struct %.*s_row *row, struct arena *arena, struct err *e)\n"
               "{\n",
               STR_ARG(q->name), STR_ARG(q->name));
    for (unsigned i = 0; i < q->n_columns; i++) {
        const struct column *c = &q->columns[i];
        if (!emit_is_bytes(c->type))
            continue;
        emit_call(out, first);
        buf_printf(out, "sql_keep%s(arena, &row->%.*s, e);\n", c->nullable ? "_opt" : "",
                   STR_ARG(c->name));
        first = false;
    }
    buf_lit(out, "    return rc;\n}\n\n");
}

static void emit_start_call(struct buf *out, const struct query *q)
{
    buf_printf(out, "%.*s_start(&%s, %s&st, e);\n    if (rc)\n        return rc;\n",
               STR_ARG(q->name), q->writes ? "tx->reader.conn" : "r->conn",
               q->n_params ? "a, " : "");
}

static void emit_one(struct buf *out, const struct query *q)
{
    struct str n = q->name;
    emit_signature(out, q, EMIT_ONE);
    buf_printf(out,
               "\n{\n    sqlite3_stmt *st = NULL;\n    struct %.*s_row row = {0};\n    int rc = ",
               STR_ARG(n));
    emit_start_call(out, q);
    buf_printf(out,
               "    rc = sql_step(st, e);\n    if (rc == 0)\n"
               "        rc = err_set(e, ERR_NOT_FOUND, \"%.*s: no row\");\n"
               "    else if (rc > 0)\n        rc = %.*s_read(st, &row, e);\n",
               STR_ARG(n), STR_ARG(n));
    if (has_bytes(q))
        buf_printf(out, "    if (!rc)\n        rc = %.*s_keep(&row, arena, e);\n", STR_ARG(n));
    if (q->writes) /* what is wrong with the change may show only at its end */
        buf_lit(out, "    while (!rc && (rc = sql_step(st, e)) > 0)\n        rc = 0;\n");
    buf_lit(out, "    sql_reset(st);\n    if (!rc)\n        *ret = row;\n");
    if (!has_bytes(q))
        buf_lit(out, "    (void)arena;\n");
    buf_lit(out, "    return rc;\n}\n\n");
}

static void emit_exec(struct buf *out, const struct query *q)
{
    emit_signature(out, q, EMIT_EXEC);
    buf_lit(out, "\n{\n    sqlite3_stmt *st = NULL;\n    int rc = ");
    emit_start_call(out, q);
    buf_lit(out, "    rc = sql_step(st, e);\n    if (!rc && ret_changes)\n"
                 "        *ret_changes = sqlite3_changes64(sqlite3_db_handle(st));\n"
                 "    sql_reset(st);\n    return rc;\n}\n\n");
}

static void emit_iterator(struct buf *out, const struct query *q)
{
    struct str n = q->name;
    const char *linkage = q->writes ? "static " : "";
    if (q->writes)
        emit_iter(out, q);
    buf_printf(out, "%s", linkage);
    emit_signature(out, q, EMIT_BEGIN);
    buf_lit(out,
            "\n{\n    sqlite3_stmt *st = NULL;\n    it->rows = (struct sql_rows){NULL, false};\n"
            "    int rc = ");
    emit_start_call(out, q);
    buf_printf(out, "    return sql_rows_begin(&it->rows, st, e);\n}\n\n%s", linkage);
    emit_signature(out, q, EMIT_NEXT);
    buf_printf(out,
               "\n{\n    struct %.*s_row row = {0};\n    int rc = sql_rows_next(&it->rows, e);\n"
               "    if (rc <= 0)\n        return rc;\n"
               "    rc = %.*s_read(it->rows.st, &row, e);\n    if (rc) {\n"
               "        sql_rows_end(&it->rows);\n        return rc;\n    }\n"
               "    *ret = row;\n    return 1;\n}\n\n%s",
               STR_ARG(n), STR_ARG(n), linkage);
    emit_signature(out, q, EMIT_END);
    buf_lit(out, "\n{\n    sql_rows_end(&it->rows);\n}\n\n");
}

static void emit_all(struct buf *out, const struct query *q)
{
    struct str n = q->name;
    emit_signature(out, q, EMIT_ALL);
    buf_printf(out,
               "\n{\n    struct %.*s_iter it;\n    struct %.*s_row row, *rows = NULL;\n"
               "    size_t n = 0, cap = 0;\n    int rc = %.*s_begin(%s, %s&it, e);\n"
               "    while (!rc && (rc = %.*s_next(&it, &row, e)) > 0) {\n",
               STR_ARG(n), STR_ARG(n), STR_ARG(n), q->writes ? "tx" : "r", q->n_params ? "a, " : "",
               STR_ARG(n));
    if (has_bytes(q))
        buf_printf(out,
                   "        rc = %.*s_keep(&row, arena, e);\n        if (rc)\n"
                   "            break;\n",
                   STR_ARG(n));
    buf_printf(out,
               "        rows = sql_rows_grow(arena, rows, n, &cap, sizeof *rows);\n"
               "        if (!rows) {\n"
               "            rc = err_set(e, ERR_NOMEM, \"%.*s: out of memory\");\n"
               "            break;\n        }\n"
               "        rows[n++] = row;\n        rc = 0;\n    }\n"
               "    %.*s_end(&it);\n    if (rc)\n        return rc;\n"
               "    *ret_rows = rows;\n    *ret_n = n;\n    return 0;\n}\n\n",
               STR_ARG(n), STR_ARG(n));
}

static void emit_query(const struct emit_options *o, struct buf *out, const struct query *q,
                       unsigned index)
{
    emit_start(o, out, q, index);
    if (q->n_columns)
        emit_read(out, q);
    if (has_bytes(q))
        emit_keep(out, q);
    if (q->kind == QUERY_EXEC) {
        emit_exec(out, q);
    } else if (q->kind == QUERY_ONE) {
        emit_one(out, q);
    } else {
        emit_iterator(out, q);
        emit_all(out, q);
    }
}

static void emit_migrations(struct gen *g, const struct emit_options *o, struct buf *out)
{
    unsigned n = 0;
    buf_printf(out, "const struct migration %s_migrations[] = {\n", o->module);
    for (const struct migration_file *m = g->migrations; m; m = m->next, n++) {
        buf_printf(out, "    {%u, \"%.*s\",\n", m->version, STR_ARG(m->name));
        emit_literal(out, m->source->text, "     ");
        buf_printf(out, ",\n     %zu,\n     \"%s\"},\n", m->source->text.n, m->hash);
    }
    buf_printf(out, "};\n\nconst size_t %s_migrations_count = %u;\n\n", o->module, n);
}

void emit_source(struct gen *g, const struct emit_options *o, struct buf *out)
{
    unsigned index = 0;
    buf_lit(out, "/* Made by sqlgen, not to be edited. From: ");
    emit_comment(out, str_from(o->made_from));
    buf_printf(out, " */\n#include \"%s\"\n\n", emit_base_name(o->path_h));
    if (o->with_migrations)
        emit_migrations(g, o, out);
    if (!o->with_queries)
        return;
    emit_module(g, o, out);
    for (const struct query *q = g->queries; q; q = q->next)
        emit_query(o, out, q, index++);
}
