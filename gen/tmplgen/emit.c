/*
 * The tree of a page that was walked, to C.
 *
 * Static text waits in `lit` and is appended as one literal when code must
 * come. Whatever an author wrote is put on a line of its own behind a #line
 * that names the template, padded to its column there; a second #line brings
 * the compiler back to the C file. No author's text is ever inside a macro's
 * argument, where a #line would not be allowed.
 *
 * A page that extends another becomes a chain of functions: PAGE() packs its
 * parameters into a struct and calls PAGE_extend_1_() with the arguments of
 * its `extends`, and so on up to the page that extends nothing, whose body it
 * is. A block that somebody overrides is a function that gets that level's
 * struct and unpacks it, so each block sees its own page's parameters.
 */
#include <stdio.h>

#include "gen/tmplgen/tmplgen.h"

static void emit_list(struct emit *e, unsigned level, const struct node *list);

/* ---- pieces ---- */

static void lit_line(struct emit *e, struct str line)
{
    static const char OCTAL[] = "01234567";

    for (size_t i = 0; i < line.n; i++) {
        unsigned char c = (unsigned char)line.p[i];
        if (c == '"' || c == '\\')
            buf_printf(e->b, "\\%c", c);
        else if (c == '\n')
            buf_lit(e->b, "\\n");
        else if (c < 0x20 || c == 0x7f || c == '?')
            buf_add(e->b,
                    str_make((const char[]){'\\', OCTAL[c >> 6], OCTAL[(c >> 3) & 7], OCTAL[c & 7]},
                             4));
        else
            buf_char(e->b, (char)c);
    }
}

/* Appends what waits, one literal a line of output. */
static void flush(struct emit *e)
{
    struct str rest = buf_str(&e->lit);

    if (rest.n == 0)
        return;
    buf_lit(e->b, "    buf_lit(out");
    for (const char *sep = ", \""; rest.n > 0; sep = "\n                 \"") {
        size_t n = str_index(rest, '\n');
        n += n < rest.n;
        buf_add(e->b, str_from(sep));
        lit_line(e, str_sub(rest, 0, n));
        buf_char(e->b, '"');
        rest = str_sub(rest, n, rest.n);
    }
    buf_lit(e->b, ");\n");
    buf_reset(&e->lit);
}

static void emit_path(struct emit *e, const char *path)
{
    for (; *path; path++) {
        if (*path == '"' || *path == '\\')
            buf_char(e->b, '\\');
        buf_char(e->b, *path);
    }
}

/* Back from a template's line to the C file's own. */
static void own_line(struct emit *e)
{
    for (; e->counted < e->b->n; e->counted++)
        e->line += e->b->p[e->counted] == '\n';
    buf_printf(e->b, "#line %u \"", e->line + 1);
    emit_path(e, e->path);
    buf_lit(e->b, "\"\n");
}

/* The #line of p alone, for what we write on an author's behalf. */
static struct line_col their_line(struct emit *e, struct pos p)
{
    struct line_col lc = pos_line_col(p);

    buf_printf(e->b, "#line %u \"", lc.line);
    emit_path(e, p.src->path);
    buf_lit(e->b, "\"\n");
    return lc;
}

/* The #line of p and the padding up to its column, a space for each byte:
 * compilers count bytes, and look for tabs in the template itself. */
static void their_column(struct emit *e, struct pos p)
{
    struct line_col lc = their_line(e, p);

    for (unsigned i = 1; i < lc.col; i++)
        buf_char(e->b, ' ');
}

/* What an author wrote, then `behind`; ends with a line of our own. */
static void emit_text(struct emit *e, struct pos pos, struct str text, const char *behind)
{
    their_column(e, pos);
    buf_add(e->b, text);
    buf_printf(e->b, "%s\n", behind);
    own_line(e);
}

/* `HEAD EXPRESSION TAIL`, all of it on the expression's lines. */
static void emit_around(struct emit *e, const char *head, struct expr x, const char *tail)
{
    their_line(e, x.pos);
    buf_printf(e->b, "    %s\n", head);
    emit_text(e, x.pos, x.text, tail);
}

/* A constant of our own, NAME and id, that holds an expression. */
static void emit_constant(struct emit *e, const char *type, const char *name, unsigned id,
                          struct expr x)
{
    char head[64];

    snprintf(head, sizeof head, "const %s %s_%u_ =", type, name, id);
    emit_around(e, head, x, ";");
}

/* ---- nodes ---- */

/* The type is refused at the same line, and column where there is room. */
static void emit_interpolation(struct emit *e, const struct node *n)
{
    size_t head = strlen(n->macro) + strlen("(out, ");
    struct line_col lc;

    buf_lit(e->b, "    {\n");
    emit_constant(e, "__auto_type", "value", n->id, n->expr);
    lc = their_line(e, n->expr.pos);
    for (size_t i = head + 1; i < lc.col; i++)
        buf_char(e->b, ' ');
    buf_printf(e->b, "%s(out, value_%u_);\n", n->macro, n->id);
    own_line(e);
    buf_lit(e->b, "    }\n");
}

static void emit_call(struct emit *e, const struct node *n)
{
    buf_printf(e->b, "    %.*s(out", STR_ARG(n->name));
    if (n->expr.text.n == 0) {
        buf_lit(e->b, ");\n");
        return;
    }
    buf_lit(e->b, ",\n");
    emit_text(e, n->expr.pos, n->expr.text, ");");
}

static void emit_for(struct emit *e, unsigned level, const struct node *n)
{
    buf_lit(e->b, "    {\n");
    emit_constant(e, "__auto_type", "items", n->id, n->expr);
    emit_constant(e, "int64_t", "count", n->id, n->count);
    buf_printf(e->b, "    for (int64_t i_%u_ = 0; i_%u_ < count_%u_; i_%u_++) {\n", n->id, n->id,
               n->id, n->id);
    buf_printf(e->b, "    const __auto_type %.*s =\n", STR_ARG(n->name));
    their_column(e, n->expr.pos);
    buf_printf(e->b, "&items_%u_[i_%u_];\n", n->id, n->id);
    own_line(e);
    buf_printf(e->b, "    (void)%.*s;\n", STR_ARG(n->name));
    emit_list(e, level, n->body);
    flush(e);
    buf_lit(e->b, "    }\n    }\n");
}

static void emit_else(struct emit *e, unsigned level, const struct node *n)
{
    flush(e);
    if (n->other) {
        buf_lit(e->b, "    } else {\n");
        emit_list(e, level, n->other);
        flush(e);
    }
    buf_lit(e->b, "    }\n");
}

static void emit_if(struct emit *e, unsigned level, const struct node *n)
{
    emit_around(e, "if (", n->expr, ") {");
    emit_list(e, level, n->body);
    emit_else(e, level, n);
}

static void emit_some(struct emit *e, unsigned level, const struct node *n)
{
    buf_lit(e->b, "    {\n");
    emit_constant(e, "__auto_type", "opt", n->id, n->expr);
    buf_lit(e->b, "    const bool\n");
    their_column(e, n->expr.pos);
    buf_printf(e->b, "some_%u_ = html_is_some(opt_%u_);\n", n->id, n->id);
    own_line(e);
    buf_printf(e->b, "    if (some_%u_) {\n", n->id);
    buf_printf(e->b, "    const __auto_type %.*s = html_some(opt_%u_);\n    (void)%.*s;\n",
               STR_ARG(n->name), n->id, STR_ARG(n->name));
    emit_list(e, level, n->body);
    emit_else(e, level, n);
    buf_lit(e->b, "    }\n");
}

/* In code of level `from`, the struct of level `to` (below it). */
static void emit_child(struct emit *e, unsigned from, unsigned to)
{
    buf_lit(e->b, "child_");
    for (unsigned i = from - 1; i > to; i--)
        buf_lit(e->b, "->child_");
}

static void emit_block(struct emit *e, unsigned level, const struct node *n)
{
    unsigned owner;
    const struct node *by = chain_block(e->chain, level, (struct node *)n, &owner);

    if (owner == level) {
        emit_list(e, level, by->body);
        return;
    }
    flush(e);
    buf_printf(e->b, "    %.*s_block_%.*s_(out, ", STR_ARG(e->chain->levels[0]->name),
               STR_ARG(by->name));
    emit_child(e, level, owner);
    buf_lit(e->b, ");\n");
}

static void emit_list(struct emit *e, unsigned level, const struct node *list)
{
    for (const struct node *n = list; n; n = n->next) {
        if (n->kind == NODE_TEXT) {
            buf_add(&e->lit, n->out);
            continue;
        }
        if (n->kind == NODE_BLOCK) {
            emit_block(e, level, n);
            continue;
        }
        flush(e);
        if (n->kind == NODE_EXPR)
            emit_interpolation(e, n);
        else if (n->kind == NODE_CALL)
            emit_call(e, n);
        else if (n->kind == NODE_FOR)
            emit_for(e, level, n);
        else if (n->kind == NODE_IF)
            emit_if(e, level, n);
        else
            emit_some(e, level, n);
    }
}

/* ---- functions ---- */

/* `struct PAGE_level_N_`, which holds the parameters of one level. */
static void emit_struct_name(struct emit *e, unsigned level)
{
    buf_printf(e->b, "struct %.*s_level_%u_", STR_ARG(e->chain->levels[0]->name), level);
}

static void emit_struct(struct emit *e, unsigned level)
{
    const struct tmpl *t = e->chain->levels[level];

    emit_struct_name(e, level);
    buf_lit(e->b, " {\n");
    if (level > 0) {
        buf_lit(e->b, "    const ");
        emit_struct_name(e, level - 1);
        buf_lit(e->b, " *child_;\n");
    } else if (t->n_params == 0) {
        buf_lit(e->b, "    char none_;\n");
    }
    for (unsigned i = 0; i < t->n_params; i++)
        emit_text(e, t->params[i].pos, t->params[i].decl, ";");
    buf_lit(e->b, "};\n\n");
}

static void emit_params(struct emit *e, const struct tmpl *t, const char *behind)
{
    for (unsigned i = 0; i < t->n_params; i++) {
        buf_lit(e->b, ",\n");
        their_column(e, t->params[i].pos);
        buf_add(e->b, t->params[i].decl);
    }
    buf_printf(e->b, ")%s\n", behind);
    if (t->n_params)
        own_line(e);
}

static void emit_voids(struct emit *e, const struct tmpl *t)
{
    for (unsigned i = 0; i < t->n_params; i++)
        buf_printf(e->b, "    (void)%.*s;\n", STR_ARG(t->params[i].name));
}

/* Packs the parameters of `level` and goes on to the page that it extends. */
static void emit_extend_body(struct emit *e, unsigned level)
{
    const struct tmpl *t = e->chain->levels[level];

    buf_lit(e->b, "    const ");
    emit_struct_name(e, level);
    buf_lit(e->b, " level_ = {");
    if (level > 0)
        buf_lit(e->b, "child_, ");
    else if (t->n_params == 0)
        buf_lit(e->b, "0");
    for (unsigned i = 0; i < t->n_params; i++)
        buf_printf(e->b, "%.*s, ", STR_ARG(t->params[i].name));
    buf_printf(e->b, "};\n    %.*s_extend_%u_(out, &level_", STR_ARG(e->chain->levels[0]->name),
               level + 1);
    if (t->base_args.text.n == 0) {
        buf_lit(e->b, ");\n");
        return;
    }
    buf_lit(e->b, ",\n");
    emit_text(e, t->base_args.pos, t->base_args.text, ");");
}

static void emit_block_function(struct emit *e, unsigned level, const struct node *block)
{
    const struct tmpl *t = e->chain->levels[level];

    buf_printf(e->b, "static void %.*s_block_%.*s_(struct buf *out, const ",
               STR_ARG(e->chain->levels[0]->name), STR_ARG(block->name));
    emit_struct_name(e, level);
    buf_lit(e->b, " *level_)\n{\n    (void)out;\n    (void)level_;\n");
    if (level > 0)
        buf_lit(e->b, "    const __auto_type child_ = level_->child_;\n    (void)child_;\n");
    for (unsigned i = 0; i < t->n_params; i++)
        buf_printf(e->b, "    const __auto_type %.*s = level_->%.*s;\n", STR_ARG(t->params[i].name),
                   STR_ARG(t->params[i].name));
    emit_voids(e, t);
    emit_list(e, level, block->body);
    flush(e);
    buf_lit(e->b, "}\n\n");
}

/* The function of level 1 and above: gets the struct of the level below. */
static void emit_extend_function(struct emit *e, unsigned level)
{
    const struct tmpl *t = e->chain->levels[level];

    buf_printf(e->b, "static void %.*s_extend_%u_(struct buf *out, const ",
               STR_ARG(e->chain->levels[0]->name), level);
    emit_struct_name(e, level - 1);
    buf_lit(e->b, " *child_");
    emit_params(e, t, "");
    buf_lit(e->b, "{\n    (void)child_;\n");
    emit_voids(e, t);
    if (level + 1 < e->chain->n) {
        emit_extend_body(e, level);
    } else {
        emit_list(e, level, t->body);
        flush(e);
    }
    buf_lit(e->b, "}\n\n");
}

static void emit_chain(struct emit *e, const struct chain *c)
{
    for (unsigned i = 0; i + 1 < c->n; i++)
        emit_struct(e, i);
    for (unsigned i = 0; i + 1 < c->n; i++)
        for (const struct node *n = c->levels[i]->body; n; n = n->next)
            if (n->kind == NODE_BLOCK && n->reached)
                emit_block_function(e, i, n);
    for (unsigned i = c->n - 1; i > 0; i--)
        emit_extend_function(e, i);
}

void emit_page(struct emit *e, const struct chain *c)
{
    const struct tmpl *t = c->levels[0];

    e->chain = c;
    emit_chain(e, c);
    buf_printf(e->b, "void %.*s(struct buf *out", STR_ARG(t->name));
    emit_params(e, t, "");
    buf_lit(e->b, "{\n    (void)out;\n");
    emit_voids(e, t);
    if (c->n > 1) {
        emit_extend_body(e, 0);
    } else {
        emit_list(e, 0, t->body);
        flush(e);
    }
    buf_lit(e->b, "}\n\n");
}

void emit_prototype(struct emit *e, const struct tmpl *t)
{
    buf_printf(e->b, "void %.*s(struct buf *out", STR_ARG(t->name));
    emit_params(e, t, ";");
    buf_char(e->b, '\n');
}
