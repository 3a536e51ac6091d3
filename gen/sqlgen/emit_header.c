/*
 * The generated header: argument and row structs, functions.
 *
 * A #line before each field points at the line of the .sql file that it comes
 * from, so that a compiler's note about a field names that; a further one
 * returns to the generated file.
 */
#include "gen/sqlgen/emit.h"

struct lines { /* counts the lines of the output, for the #line that returns */
    size_t counted;
    unsigned line;
};

static void line_of_sql(struct buf *out, const struct query *q, size_t at)
{
    buf_printf(out, "#line %u \"", source_place(q->source, at).line);
    emit_bytes(out, str_from(q->source->path));
    buf_lit(out, "\"\n");
}

static void line_of_header(struct buf *out, struct lines *lines, const char *path)
{
    for (; lines->counted < out->n; lines->counted++)
        lines->line += out->p[lines->counted] == '\n';
    buf_printf(out, "#line %u \"", lines->line + 2);
    emit_bytes(out, str_from(path));
    buf_lit(out, "\"\n");
}

static void emit_args(struct buf *out, const struct query *q)
{
    line_of_sql(out, q, q->name_at);
    buf_printf(out, "struct %.*s_args {\n", STR_ARG(q->name));
    for (unsigned i = 0; i < q->n_params; i++) {
        const struct note *p = &q->params[i];
        line_of_sql(out, q, p->at);
        buf_printf(out, "    %s %.*s;\n", emit_c_type(p->type, p->mark == NULL_MAYBE),
                   STR_ARG(p->name));
    }
    buf_lit(out, "};\n");
}

static void emit_row(struct buf *out, const struct query *q)
{
    line_of_sql(out, q, q->name_at);
    buf_printf(out, "struct %.*s_row {\n", STR_ARG(q->name));
    for (unsigned i = 0; i < q->n_columns; i++) {
        const struct column *c = &q->columns[i];
        line_of_sql(out, q, c->at);
        buf_printf(out, "    %s %.*s;\n", emit_c_type(c->type, c->nullable), STR_ARG(c->name));
    }
    buf_lit(out, "};\n");
}

static void declare(struct buf *out, const struct query *q, enum emit_function f)
{
    emit_signature(out, q, f);
    buf_lit(out, ";\n");
}

static void declare_query(struct buf *out, const struct query *q)
{
    struct place at = source_place(q->source, q->name_at);
    buf_printf(out, "/* %s:%u", q->source->path, at.line);
    if (q->doc.n) {
        buf_lit(out, "\n * ");
        emit_comment(out, q->doc);
    }
    buf_lit(out, " */\n");
    if (q->kind == QUERY_EXEC) {
        declare(out, q, EMIT_EXEC);
        return;
    }
    if (q->kind == QUERY_ONE) {
        declare(out, q, EMIT_ONE);
        return;
    }
    if (!q->writes) {
        emit_iter(out, q);
        declare(out, q, EMIT_BEGIN);
        declare(out, q, EMIT_NEXT);
        declare(out, q, EMIT_END);
    }
    declare(out, q, EMIT_ALL);
}

static const char conventions[] =
    "/*\n"
    " * All functions: 0 or a negative enum err_code, with the text in *e; what is\n"
    " * returned through ret is untouched on failure. Arguments must live until the\n"
    " * function returns, those of an iterator until its _end.\n"
    " *\n"
    " * NAME()        :one copies its text into the arena (which may be NULL where no\n"
    " *               column is text or blob); ERR_NOT_FOUND where there is no row.\n"
    " *               :exec gives the number of changed rows (ret_changes may be NULL).\n"
    " * NAME_begin()  :many runs the query; _next: 1 a row, 0 done; text lives until the\n"
    " *               next _next or _end. _end may be called twice, and after a failed\n"
    " *               _begin; until then the query is in use and cannot begin again.\n"
    " * NAME_all()    :many with all rows and their text in the arena.\n"
    " */\n";

static void emit_queries(struct gen *g, const struct emit_options *o, struct buf *out)
{
    struct lines lines = {0, 0};
    buf_printf(out, "%s\nextern const struct sql_module %s_sql_module;\n\n", conventions,
               o->module);
    for (const struct query *q = g->queries; q; q = q->next) {
        if (q->n_params)
            emit_args(out, q);
        if (q->n_columns)
            emit_row(out, q);
        if (q->n_params || q->n_columns)
            line_of_header(out, &lines, o->path_h);
        declare_query(out, q);
        buf_char(out, '\n');
    }
}

static void emit_migrations(struct gen *g, const struct emit_options *o, struct buf *out)
{
    unsigned n = 0;
    for (const struct migration_file *m = g->migrations; m; m = m->next)
        n++;
    buf_printf(out, "/* Versions 1 to %u. */\n", n);
    buf_printf(out, "extern const struct migration %s_migrations[%u];\n", o->module, n);
    buf_printf(out, "extern const size_t %s_migrations_count;\n\n", o->module);
}

void emit_header(struct gen *g, const struct emit_options *o, struct buf *out)
{
    buf_lit(out, "/* Made by sqlgen, not to be edited. From: ");
    emit_comment(out, str_from(o->made_from));
    buf_lit(out, " */\n#ifndef SQLGEN_");
    emit_upper(out, o->module);
    buf_lit(out, "_H\n#define SQLGEN_");
    emit_upper(out, o->module);
    buf_lit(out, "_H\n\n#include \"engine/sql.h\"\n\n");
    if (o->with_migrations)
        emit_migrations(g, o, out);
    if (o->with_queries)
        emit_queries(g, o, out);
    buf_lit(out, "#endif\n");
}
