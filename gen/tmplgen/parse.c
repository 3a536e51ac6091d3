/*
 * Templates to a tree, by recursive descent: one function a tag.
 *
 * A list of nodes ends at one of the tags that its opener allows (`enders`, a
 * set of bits); any other ender is the one error that stops a file, since
 * what follows would only be noise. Errors inside a tag are reported and
 * parsing goes on.
 */
#include "gen/tmplgen/tmplgen.h"

enum ender {
    END_PAGE = 1 << 0,
    END_FRAGMENT = 1 << 1,
    END_FOR = 1 << 2,
    END_IF = 1 << 3,
    ELIF = 1 << 4,
    ELSE = 1 << 5,
    NONE = 1 << 6,
    END_SOME = 1 << 7,
    END_BLOCK = 1 << 8,
};

struct parser {
    struct unit *unit;
    struct source *src;
    struct lexer lex;
    struct tmpl *tmpl;
    struct str names[NEST_MAX]; /* the variables that are in scope */
    unsigned n_names;
    unsigned depth;   /* of open for, if, some and block */
    struct token tag; /* the ender that stopped the last list */
    struct str rest;  /* what stands in it behind its word */
    enum ender end;
};

struct opener {
    const char *word;
    void (*parse)(struct parser *p, struct token t, struct str rest, struct node ***tail);
};

static void parse_list(struct parser *p, struct pos opened, const char *word, unsigned enders,
                       struct node **ret);

static struct pos pos_of(const struct parser *p, struct str s)
{
    return (struct pos){p->src, (size_t)(s.p - p->src->text.p)};
}

static struct node *node_new(struct parser *p, enum node_kind kind, struct pos pos)
{
    struct node *n = arena_new(&p->unit->arena, struct node);

    n->kind = kind;
    n->pos = pos;
    n->id = ++p->unit->n_nodes;
    return n;
}

static void append(struct node ***tail, struct node *n)
{
    **tail = n;
    *tail = &n->next;
}

static struct expr parse_expr(struct parser *p, struct str text)
{
    struct expr e = {lex_trim(text), pos_of(p, text)};

    if (e.text.n)
        e.pos = pos_of(p, e.text);
    expr_check(&p->unit->diag, e, NULL);
    return e;
}

static bool fail(struct parser *p, struct pos pos, const char *text)
{
    diag_error(&p->unit->diag, pos, "%s", text);
    return false;
}

static void scope_add(struct parser *p, struct str name, struct pos pos)
{
    if (str_eq(name, STR("out")) || str_ends(name, STR("_")))
        diag_error(&p->unit->diag, pos, "the name '%.*s' is reserved", STR_ARG(name));
    for (unsigned i = 0; i < p->n_names; i++)
        if (str_eq(p->names[i], name))
            diag_error(&p->unit->diag, pos, "'%.*s' has a meaning here already", STR_ARG(name));
    if (p->n_names < NEST_MAX)
        p->names[p->n_names++] = name;
    else
        fail(p, pos, "too many names are in scope");
}

/* `name(arguments)`; the arguments come back as written. */
static bool parse_call_form(struct parser *p, struct token t, struct str rest, struct str *ret_name,
                            struct expr *ret_args)
{
    struct str name = lex_name(&rest);

    if (name.n == 0 || rest.n < 2 || rest.p[0] != '(' || rest.p[rest.n - 1] != ')') {
        struct str text = t.text, word = lex_name(&text);
        diag_error(&p->unit->diag, t.pos, "'%.*s' needs NAME(ARGUMENTS)", STR_ARG(word));
        return false;
    }
    rest = str_sub(rest, 1, rest.n - 2);
    *ret_name = name;
    *ret_args = (struct expr){lex_trim(rest), pos_of(p, rest)};
    if (ret_args->text.n)
        ret_args->pos = pos_of(p, ret_args->text);
    return true;
}

static void parse_for(struct parser *p, struct token t, struct str rest, struct node ***tail)
{
    struct node *n = node_new(p, NODE_FOR, t.pos);
    unsigned names = p->n_names;
    struct str in;
    size_t colon;

    n->name = lex_name(&rest);
    in = lex_name(&rest);
    colon = expr_find(rest, ':');
    if (n->name.n == 0 || !str_eq(in, STR("in")) || colon == rest.n) {
        fail(p, t.pos, "'for' needs NAME in ARRAY : COUNT");
    } else {
        n->expr = parse_expr(p, str_sub(rest, 0, colon));
        n->count = parse_expr(p, str_sub(rest, colon + 1, rest.n - colon - 1));
        scope_add(p, n->name, pos_of(p, n->name));
    }
    parse_list(p, t.pos, "for", END_FOR, &n->body);
    p->n_names = names;
    append(tail, n);
}

static void parse_some(struct parser *p, struct token t, struct str rest, struct node ***tail)
{
    struct node *n = node_new(p, NODE_SOME, t.pos);
    unsigned names = p->n_names;

    n->name = lex_name(&rest);
    if (n->name.n == 0 || rest.n == 0 || rest.p[0] != '=') {
        fail(p, t.pos, "'some' needs NAME = EXPRESSION");
    } else {
        n->expr = parse_expr(p, str_sub(rest, 1, rest.n - 1));
        scope_add(p, n->name, pos_of(p, n->name));
    }
    parse_list(p, t.pos, "some", NONE | END_SOME, &n->body);
    p->n_names = names;
    if (p->end == NONE)
        parse_list(p, t.pos, "some", END_SOME, &n->other);
    append(tail, n);
}

static void parse_if_from(struct parser *p, struct token t, struct str rest, struct node ***tail)
{
    struct node *n = node_new(p, NODE_IF, t.pos);

    n->expr = parse_expr(p, rest.n ? rest : str_sub(t.text, t.text.n, 0));
    parse_list(p, t.pos, "if", ELIF | ELSE | END_IF, &n->body);
    if (p->end == ELIF) {
        struct node **other = &n->other;
        parse_if_from(p, p->tag, p->rest, &other);
    } else if (p->end == ELSE) {
        parse_list(p, t.pos, "if", END_IF, &n->other);
    }
    append(tail, n);
}

static void parse_call(struct parser *p, struct token t, struct str rest, struct node ***tail)
{
    struct node *n = node_new(p, NODE_CALL, t.pos);

    if (parse_call_form(p, t, rest, &n->name, &n->expr))
        append(tail, n);
}

static void block_add(struct parser *p, struct node *n)
{
    struct tmpl *t = p->tmpl;
    struct node **more;

    for (unsigned i = 0; i < t->n_blocks; i++)
        if (str_eq(t->blocks[i]->name, n->name))
            diag_error(&p->unit->diag, n->pos, "block '%.*s' is in this page twice",
                       STR_ARG(n->name));
    more = arena_alloc(&p->unit->arena, (t->n_blocks + 1) * sizeof *more);
    if (t->n_blocks)
        memcpy(more, t->blocks, t->n_blocks * sizeof *more);
    more[t->n_blocks++] = n;
    t->blocks = more;
}

static void parse_block(struct parser *p, struct token t, struct str rest, struct node ***tail)
{
    struct node *n = node_new(p, NODE_BLOCK, t.pos);

    n->name = lex_name(&rest);
    if (n->name.n == 0 || rest.n > 0)
        fail(p, t.pos, "'block' needs a NAME");
    else
        block_add(p, n);
    parse_list(p, t.pos, "block", END_BLOCK, &n->body);
    append(tail, n);
}

static bool only_space(const struct node *n)
{
    return n->kind == NODE_TEXT && lex_trim(n->text).n == 0;
}

static void parse_extends(struct parser *p, struct token t, struct str rest, struct node ***tail)
{
    bool first = p->depth == 1 && p->tmpl->base_name.n == 0;

    (void)tail;
    for (const struct node *n = p->tmpl->body; first && n; n = n->next)
        first = only_space(n);
    if (!first)
        fail(p, t.pos, "'extends' must come first in its page");
    else if (parse_call_form(p, t, rest, &p->tmpl->base_name, &p->tmpl->base_args))
        p->tmpl->base_pos = t.pos;
}

static const struct opener OPENERS[] = {{"for", parse_for},     {"if", parse_if_from},
                                        {"some", parse_some},   {"call", parse_call},
                                        {"block", parse_block}, {"extends", parse_extends}};

static const struct {
    const char *word;
    enum ender end;
} ENDERS[] = {{"endpage", END_PAGE},  {"endfragment", END_FRAGMENT},
              {"endfor", END_FOR},    {"endif", END_IF},
              {"elif", ELIF},         {"else", ELSE},
              {"none", NONE},         {"endsome", END_SOME},
              {"endblock", END_BLOCK}};

/* Is `word` an ender? Sets p->end, and stops the file where it does not belong
 * here. */
static bool parse_ender(struct parser *p, struct token t, struct str word, struct str rest,
                        struct pos opened, const char *opener, unsigned enders)
{
    for (size_t i = 0; i < sizeof ENDERS / sizeof *ENDERS; i++) {
        if (!str_eq(word, str_from(ENDERS[i].word)))
            continue;
        p->tag = t;
        p->rest = rest;
        p->end = ENDERS[i].end;
        if (!(enders & ENDERS[i].end)) {
            diag_error(&p->unit->diag, t.pos, "'%s' where '%s' of line %u is open", ENDERS[i].word,
                       opener, pos_line_col(opened).line);
            p->lex.failed = true;
        } else if (rest.n > 0 && p->end != ELIF) {
            diag_error(&p->unit->diag, t.pos, "'%s' takes nothing behind it", ENDERS[i].word);
        }
        return true;
    }
    return false;
}

static void parse_tag(struct parser *p, struct token t, struct str word, struct str rest,
                      struct node ***tail)
{
    for (size_t i = 0; i < sizeof OPENERS / sizeof *OPENERS; i++)
        if (str_eq(word, str_from(OPENERS[i].word))) {
            OPENERS[i].parse(p, t, rest, tail);
            return;
        }
    diag_error(&p->unit->diag, t.pos, "unknown tag '%.*s'", STR_ARG(word.n ? word : t.text));
}

/* One token of a list. False at the tag that ends the list. */
static bool parse_token(struct parser *p, struct token t, struct pos opened, const char *opener,
                        unsigned enders, struct node ***tail)
{
    struct str rest = t.text, word;
    struct node *n;

    if (t.kind == TOK_TAG) {
        word = lex_name(&rest);
        if (parse_ender(p, t, word, rest, opened, opener, enders))
            return false;
        parse_tag(p, t, word, rest, tail);
        return true;
    }
    if (t.text.n == 0 && t.kind == TOK_TEXT)
        return true;
    n = node_new(p, t.kind == TOK_TEXT ? NODE_TEXT : NODE_EXPR, t.pos);
    if (t.kind == TOK_TEXT) {
        n->text = t.text;
    } else {
        n->expr = (struct expr){t.text, t.content};
        expr_check(&p->unit->diag, n->expr, NULL);
    }
    append(tail, n);
    return true;
}

static void parse_list(struct parser *p, struct pos opened, const char *word, unsigned enders,
                       struct node **ret)
{
    struct node **tail = ret;
    struct token t;

    if (p->depth++ == NEST_MAX) {
        fail(p, opened, "tags are nested too deep");
        p->lex.failed = true;
    }
    for (;;) {
        t = lex_next(&p->lex);
        if (t.kind == TOK_END)
            break;
        if (!parse_token(p, t, opened, word, enders, &tail))
            break;
    }
    p->depth--;
    if (t.kind == TOK_END && !p->lex.failed) {
        diag_error(&p->unit->diag, opened, "'%s' is not closed", word);
        p->lex.failed = true;
    }
    if (p->lex.failed)
        p->end = END_PAGE;
}

static bool param_chars_ok(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!is_name_char(s.p[i]) && !strchr(" \t\n\r*", s.p[i]))
            return false;
    return true;
}

/* `const struct view *v`: any words and stars, then the name. */
static void parse_param(struct parser *p, struct param *param, struct str decl)
{
    struct str head;
    size_t at = decl.n;

    *param = (struct param){.decl = decl, .pos = pos_of(p, decl)};
    while (at > 0 && is_name_char(decl.p[at - 1]))
        at--;
    param->name = str_sub(decl, at, decl.n - at);
    head = lex_trim(str_sub(decl, 0, at));
    if (!param_chars_ok(decl) || head.n == 0 || param->name.n == 0 ||
        str_ends(head, STR("struct")) || str_ends(head, STR("enum")) ||
        str_ends(head, STR("union")))
        diag_error(&p->unit->diag, param->pos,
                   "a parameter is declared plainly, as in 'const struct view *v'");
    else
        scope_add(p, param->name, param->pos);
}

static void parse_params(struct parser *p, struct str all)
{
    struct tmpl *t = p->tmpl;
    struct str rest = all;
    size_t n = 1;

    if (all.n == 0 || str_eq(all, STR("void")))
        return;
    for (size_t i = 0; i < all.n; i++)
        n += all.p[i] == ',';
    t->params = arena_alloc(&p->unit->arena, n * sizeof *t->params);
    while (rest.p) {
        struct str part = str_cut(&rest, ',');
        struct str decl = lex_trim(part);
        parse_param(p, &t->params[t->n_params++], decl.n ? decl : part);
    }
}

static void check_extending_body(struct parser *p)
{
    for (const struct node *n = p->tmpl->body; n; n = n->next)
        if (n->kind != NODE_BLOCK && !only_space(n)) {
            fail(p, n->kind == NODE_TEXT ? pos_of(p, lex_trim(n->text)) : n->pos,
                 "a page that extends another has blocks only");
            return;
        }
}

static void parse_template(struct parser *p, struct token t, struct str word, struct str rest)
{
    struct tmpl *tmpl = arena_new(&p->unit->arena, struct tmpl);
    struct expr params = {.text = STR("")};
    const struct tmpl *twin;

    tmpl->fragment = str_eq(word, STR("fragment"));
    tmpl->pos = t.pos;
    p->tmpl = tmpl;
    p->n_names = p->depth = 0;
    if (parse_call_form(p, t, rest, &tmpl->name, &params)) {
        twin = unit_find(p->unit, tmpl->name);
        if (twin)
            diag_error(&p->unit->diag, t.pos, "'%.*s' is defined at %s:%u already",
                       STR_ARG(tmpl->name), twin->pos.src->path, pos_line_col(twin->pos).line);
        parse_params(p, params.text);
    }
    parse_list(p, t.pos, tmpl->fragment ? "fragment" : "page",
               tmpl->fragment ? END_FRAGMENT : END_PAGE, &tmpl->body);
    if (tmpl->base_name.n)
        check_extending_body(p);
    *p->unit->tail = tmpl;
    p->unit->tail = &tmpl->next;
}

void parse_file(struct unit *u, struct source *src)
{
    struct parser p = {.unit = u, .src = src, .lex = {.src = src, .diag = &u->diag}};

    for (;;) {
        struct token t = lex_next(&p.lex);
        struct str rest = t.text, word = STR("");
        if (t.kind == TOK_END)
            return;
        if (t.kind == TOK_TEXT && lex_trim(t.text).n == 0)
            continue;
        if (t.kind == TOK_TAG)
            word = lex_name(&rest);
        if (str_eq(word, STR("page")) || str_eq(word, STR("fragment"))) {
            parse_template(&p, t, word, rest);
            continue;
        }
        fail(&p, t.kind == TOK_TEXT ? pos_of(&p, lex_trim(t.text)) : t.pos,
             "only '{% page %}' and '{% fragment %}' may stand outside of them");
        return;
    }
}
