/*
 * Carries the context through one page: its tree, with the blocks of whatever
 * extends it put in.
 *
 * The ways through an if must end alike, and a loop's body must end as it
 * began; a loop is walked until its beginning no longer changes (joining only
 * ever loses knowledge, so that is soon). Templates that are shared by pages
 * are walked once for each; errors are printed once.
 */
#include "gen/tmplgen/context.h"

struct walk {
    struct unit *unit;
    const struct chain *chain;
};

static bool walk_list(const struct walk *w, unsigned level, struct node *list, struct context *c);

static bool differ(const struct walk *w, const struct node *n, const char *what,
                   const struct context *a, const struct context *b)
{
    diag_error(&w->unit->diag, n->pos, "%s: %.*s, %.*s", what,
               STR_ARG(context_describe(w->unit, a)), STR_ARG(context_describe(w->unit, b)));
    return false;
}

static bool walk_branches(const struct walk *w, unsigned level, struct node *n, struct context *c)
{
    struct context other = *c;

    if (!walk_list(w, level, n->body, c) || !walk_list(w, level, n->other, &other))
        return false;
    if (!context_join(c, &other))
        return differ(w, n,
                      n->kind == NODE_IF ? "the branches of this 'if' end in different contexts"
                                         : "'some' and 'none' end in different contexts",
                      c, &other);
    return true;
}

static bool contexts_equal(const struct context *a, const struct context *b)
{
    return a->state == b->state && a->url == b->url && a->newline == b->newline &&
           a->http_equiv == b->http_equiv && a->content_given == b->content_given;
}

static bool walk_loop(const struct walk *w, unsigned level, struct node *n, struct context *c)
{
    for (;;) {
        struct context begin = *c, end = *c;
        if (!walk_list(w, level, n->body, &end))
            return false;
        if (!context_join(c, &end))
            return differ(w, n, "the body of this 'for' does not end where it began", &begin, &end);
        if (contexts_equal(c, &begin))
            return true;
    }
}

static bool walk_block(const struct walk *w, unsigned level, struct node *slot, struct context *c)
{
    struct context begin = *c;
    struct node *n = chain_block(w->chain, level, slot, &level);

    n->reached = true;
    if (!walk_list(w, level, n->body, c))
        return false;
    if (!context_join(&begin, c))
        return differ(w, n, "this block does not end where it began", &begin, c);
    return true;
}

static bool walk_call(const struct walk *w, const struct node *n, struct context *c)
{
    c->newline = false;
    if (c->state == IN_TEXT)
        return true;
    diag_error(&w->unit->diag, n->pos, "'call' is refused outside of text, in %.*s",
               STR_ARG(context_describe(w->unit, c)));
    return false;
}

static bool walk_node(const struct walk *w, unsigned level, struct node *n, struct context *c)
{
    if (n->kind == NODE_EXPR)
        return context_expr(w->unit, c, n);
    if (!context_settle(w->unit, c, n->pos))
        return false;
    switch (n->kind) {
    case NODE_TEXT:
        return context_text(w->unit, c, n);
    case NODE_CALL:
        return walk_call(w, n, c);
    case NODE_FOR:
        return walk_loop(w, level, n, c);
    case NODE_BLOCK:
        return walk_block(w, level, n, c);
    default:
        return walk_branches(w, level, n, c);
    }
}

static bool walk_list(const struct walk *w, unsigned level, struct node *list, struct context *c)
{
    struct pos end = {NULL, 0};

    for (struct node *n = list; n; n = n->next) {
        if (!walk_node(w, level, n, c))
            return false;
        end = n->pos;
    }
    return !list || context_settle(w->unit, c, end);
}

static void forget(struct node *list)
{
    for (struct node *n = list; n; n = n->next) {
        n->reached = false;
        forget(n->body);
        forget(n->other);
    }
}

/* A page or fragment must leave nothing open. */
static bool ends_in_text(struct unit *u, const struct context *c)
{
    if (c->top)
        diag_error(&u->diag, c->top->pos, "<%.*s> is not closed", STR_ARG(c->top->name));
    else if (c->state != IN_TEXT)
        diag_error(&u->diag, c->tag_pos, "this tag is not closed");
    return !c->top && c->state == IN_TEXT;
}

bool walk_page(struct unit *u, const struct chain *chain)
{
    unsigned last = chain->n - 1;
    struct walk w = {u, chain};
    struct context c = {.state = IN_TEXT, .newline = true};

    for (unsigned i = 0; i < chain->n; i++)
        forget(chain->levels[i]->body);
    if (!walk_list(&w, last, chain->levels[last]->body, &c))
        return false;
    return ends_in_text(u, &c);
}
