/*
 * Names: what `call` and `extends` mean, and which block stands in for which.
 *
 * After resolve() every called template exists and is given as many arguments
 * as it has parameters, every chain of `extends` ends and is at most CHAIN_MAX
 * long, and every block of an extending page is in what it extends.
 */
#include "gen/tmplgen/tmplgen.h"

const struct tmpl *unit_find(const struct unit *u, struct str name)
{
    for (const struct tmpl *t = u->templates; t; t = t->next)
        if (str_eq(t->name, name))
            return t;
    return NULL;
}

/* The template that is used at `pos`, with its arguments counted. */
static struct tmpl *find_used(struct unit *u, struct str name, struct expr args, struct pos pos)
{
    struct tmpl *t = u->templates;
    unsigned n;

    while (t && !str_eq(t->name, name))
        t = t->next;
    if (!t) {
        diag_error(&u->diag, pos, "there is no page or fragment '%.*s'", STR_ARG(name));
        return NULL;
    }
    if (expr_check(&u->diag, args, &n) && n != t->n_params)
        diag_error(&u->diag, pos, "'%.*s' takes %u argument%s, not %u", STR_ARG(name), t->n_params,
                   t->n_params == 1 ? "" : "s", n);
    return t;
}

static void resolve_calls(struct unit *u, struct node *list)
{
    for (struct node *n = list; n; n = n->next) {
        if (n->kind == NODE_CALL)
            find_used(u, n->name, n->expr, n->pos);
        resolve_calls(u, n->body);
        resolve_calls(u, n->other);
    }
}

struct chain chain_of(const struct tmpl *t)
{
    struct chain c = {.n = 0};

    for (; t && c.n < CHAIN_MAX; t = t->base)
        c.levels[c.n++] = t;
    return c;
}

static bool has_block(const struct tmpl *t, struct str name)
{
    for (unsigned i = 0; i < t->n_blocks; i++)
        if (str_eq(t->blocks[i]->name, name))
            return true;
    return false;
}

static void check_blocks(struct unit *u, const struct tmpl *t)
{
    for (const struct node *n = t->body; n; n = n->next) {
        bool found = false;
        for (const struct tmpl *b = t->base; b && n->kind == NODE_BLOCK && !found; b = b->base)
            found = has_block(b, n->name);
        if (n->kind == NODE_BLOCK && n->name.n && !found)
            diag_error(&u->diag, n->pos, "'%.*s' has no block '%.*s'", STR_ARG(t->base->name),
                       STR_ARG(n->name));
    }
}

static bool chain_ends(struct unit *u, const struct tmpl *t)
{
    unsigned n = 1;

    for (const struct tmpl *b = t->base; b; b = b->base)
        if (++n > CHAIN_MAX) {
            diag_error(&u->diag, t->base_pos, "this chain of 'extends' is too long or never ends");
            return false;
        }
    return true;
}

void resolve(struct unit *u)
{
    bool chains_end = true;

    for (struct tmpl *t = u->templates; t; t = t->next) {
        resolve_calls(u, t->body);
        if (t->base_name.n)
            t->base = find_used(u, t->base_name, t->base_args, t->base_pos);
    }
    for (struct tmpl *t = u->templates; t; t = t->next)
        chains_end = chain_ends(u, t) && chains_end;
    for (struct tmpl *t = u->templates; t && chains_end; t = t->next)
        if (t->base)
            check_blocks(u, t);
}

struct node *chain_block(const struct chain *c, unsigned level, struct node *slot,
                         unsigned *ret_level)
{
    for (unsigned i = 0; i < level; i++)
        for (struct node *n = c->levels[i]->body; n; n = n->next)
            if (n->kind == NODE_BLOCK && str_eq(n->name, slot->name)) {
                *ret_level = i;
                return n;
            }
    *ret_level = level;
    return slot;
}
