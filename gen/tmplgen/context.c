/*
 * The HTML tokenizer that follows static text, one handler a state.
 *
 * It is stricter than a browser: what a browser would guess (a `<` that opens
 * nothing, an unquoted value with odd bytes, `<div/>`, an element that nobody
 * closes) is an error, because where browsers guess, a context cannot be
 * known. A handler consumes what belongs to its state and appends what is to
 * be output; white space that spans lines shrinks to one line break between
 * tags and to one space inside a tag.
 */
#include "gen/tmplgen/context.h"

struct scan {
    struct unit *unit;
    struct context *c;
    const struct node *node;
    struct str text;
    size_t at;
    struct buf out;
    bool failed;
};

static struct pos pos_at(const struct scan *s, size_t at)
{
    return (struct pos){s->node->pos.src, s->node->pos.off + at};
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_markup_name_char(char c)
{
    return is_name_char(c) || c == '-' || c == ':' || c == '.';
}

static char peek(const struct scan *s, size_t ahead)
{
    return s->at + ahead < s->text.n ? s->text.p[s->at + ahead] : '\0';
}

static bool at_end(const struct scan *s)
{
    return s->at == s->text.n;
}

static bool looks_at(const struct scan *s, const char *what)
{
    return str_is(str_sub(s->text, s->at, strlen(what)), what);
}

#define FAIL(s, at, ...)                                                                           \
    do {                                                                                           \
        diag_error(&(s)->unit->diag, pos_at((s), (at)), __VA_ARGS__);                              \
        (s)->failed = true;                                                                        \
    } while (0)

/* Moves n bytes from the input to the output. */
static void copy(struct scan *s, size_t n)
{
    buf_add(&s->out, str_sub(s->text, s->at, n));
    s->at += n;
    s->c->newline = false;
}

static struct str take_while(struct scan *s, bool (*belongs)(char))
{
    size_t from = s->at;

    while (!at_end(s) && belongs(s->text.p[s->at]))
        s->at++;
    return str_sub(s->text, from, s->at - from);
}

/* ---- between tags ---- */

static void scan_space(struct scan *s)
{
    struct str run = take_while(s, is_space);
    bool breaks = str_index(run, '\n') < run.n;

    if (breaks && !element_within(s->c->top, "pre")) {
        if (!s->c->newline)
            buf_char(&s->out, '\n');
        s->c->newline = true;
    } else {
        buf_add(&s->out, run);
        s->c->newline = false;
    }
}

/* `</name>`, all of it in this text. */
static void scan_end_tag(struct scan *s)
{
    const struct element *top = s->c->top;
    size_t from = s->at;
    struct str name;

    s->at += 2;
    name = take_while(s, is_markup_name_char);
    take_while(s, is_space);
    if (peek(s, 0) != '>') {
        FAIL(s, from, "'</%.*s' is not closed by '>'", STR_ARG(name));
    } else if (!top) {
        FAIL(s, from, "'</%.*s>' closes nothing", STR_ARG(name));
    } else if (!str_eq_nocase(top->name, name)) {
        FAIL(s, from, "'</%.*s>' where <%.*s> of line %u is open", STR_ARG(name),
             STR_ARG(top->name), pos_line_col(top->pos).line);
    } else {
        s->at = from;
        copy(s, str_index(str_sub(s->text, from, s->text.n), '>') + 1);
        s->c->top = top->parent;
        s->c->state = IN_TEXT;
    }
}

static void scan_start_tag(struct scan *s)
{
    size_t from = s->at, behind;

    s->at++;
    s->c->tag = take_while(s, is_markup_name_char);
    s->c->script_typed = s->c->script_json = s->c->http_equiv = s->c->content_given = false;
    behind = s->at;
    s->at = from;
    copy(s, behind - from);
    s->c->state = at_end(s) ? IN_TAG_NAME : IN_TAG_TIGHT;
    if (str_is(s->c->tag, "plaintext"))
        FAIL(s, from, "<plaintext> cannot be closed");
}

static void scan_markup(struct scan *s)
{
    char next = peek(s, 1);

    s->c->tag_pos = pos_at(s, s->at);
    if (looks_at(s, "<!-->") || looks_at(s, "<!--->")) {
        FAIL(s, s->at, "a browser takes this for a whole comment");
    } else if (looks_at(s, "<!--")) {
        copy(s, 4);
        s->c->state = IN_COMMENT;
    } else if (looks_at(s, "<!doctype")) {
        copy(s, 9);
        s->c->state = IN_DOCTYPE;
    } else if (next == '/' && is_letter(peek(s, 2))) {
        scan_end_tag(s);
    } else if (is_letter(next)) {
        scan_start_tag(s);
    } else if (next == '\0' || (next == '/' && peek(s, 2) == '\0')) {
        FAIL(s, s->at, "a tag's name must be written out");
    } else {
        FAIL(s, s->at, "'<' that opens no tag must be written '&lt;'");
    }
}

static void scan_text(struct scan *s)
{
    while (!at_end(s) && s->c->state == IN_TEXT && !s->failed) {
        char c = s->text.p[s->at];
        if (c == '<')
            scan_markup(s);
        else if (is_space(c))
            scan_space(s);
        else
            copy(s, 1);
    }
}

/* ---- in a tag ---- */

static void push_element(struct scan *s)
{
    struct element *e = arena_new(&s->unit->arena, struct element);

    *e = (struct element){s->c->tag, s->c->tag_pos, s->c->top};
    s->c->top = e;
}

/* Behind the `>` of a start tag. */
static void enter_element(struct scan *s)
{
    struct context *c = s->c;
    bool foreign = element_in_foreign(c->top);
    bool drops_newline = str_is(c->tag, "pre") || str_is(c->tag, "textarea");

    c->state = IN_TEXT;
    if (!foreign && element_is_void(c->tag))
        return;
    push_element(s);
    if (element_is_raw(c->tag))
        c->state = c->script_json && str_is(c->tag, "script") ? IN_JSON : IN_RAW;
    else if (!foreign && element_is_rcdata(c->tag))
        c->state = IN_RCDATA;
    /* A browser drops a first line break here; it must not be the value's. */
    if (drops_newline && !foreign && at_end(s))
        buf_char(&s->out, '\n');
}

static void scan_tag_end(struct scan *s)
{
    bool self_closing = s->text.p[s->at] == '/';
    bool foreign = element_in_foreign(s->c->top) || str_is(s->c->tag, "svg");

    if (self_closing && peek(s, 1) != '>') {
        FAIL(s, s->at, "'/' in a tag must be followed by '>'");
    } else if (!self_closing) {
        copy(s, 1);
        enter_element(s);
    } else if (!foreign && !element_is_void(s->c->tag)) {
        FAIL(s, s->at, "'/>' closes no <%.*s>: write '</%.*s>'", STR_ARG(s->c->tag),
             STR_ARG(s->c->tag));
    } else {
        copy(s, 2);
        s->c->state = IN_TEXT;
    }
}

static void begin_value(struct scan *s)
{
    struct context *c = s->c;

    c->attr_kind = attr_classify(c->tag, c->attr);
    c->url = URL_START;
    if (str_is(c->attr, "http-equiv")) {
        c->http_equiv = true;
        if (c->content_given)
            FAIL(s, s->at, "'http-equiv' beside a 'content' that is not static");
    }
    take_while(s, is_space);
    if (at_end(s)) {
        c->state = BEFORE_VALUE;
    } else if (peek(s, 0) == '"' || peek(s, 0) == '\'') {
        c->quote = peek(s, 0);
        copy(s, 1);
        c->state = IN_VALUE;
    } else {
        c->state = IN_VALUE_BARE;
    }
}

static void scan_attr_name(struct scan *s)
{
    size_t from = s->at;

    s->c->attr = take_while(s, is_markup_name_char);
    if (s->c->attr.n == 0) {
        FAIL(s, from, "'%c' cannot begin an attribute of <%.*s>", s->text.p[from],
             STR_ARG(s->c->tag));
        return;
    }
    if (s->c->state == IN_TAG_TIGHT) {
        FAIL(s, from, "white space is needed before '%.*s' in <%.*s>", STR_ARG(s->c->attr),
             STR_ARG(s->c->tag));
        return;
    }
    buf_add(&s->out, s->c->attr);
    s->c->newline = false;
    if (at_end(s)) {
        s->c->state = IN_ATTR_NAME;
        return;
    }
    s->c->state = IN_TAG_TIGHT;
    from = s->at;
    take_while(s, is_space);
    if (peek(s, 0) == '=') {
        copy(s, 1);
        begin_value(s);
    } else {
        s->at = from;
    }
}

static void scan_tag(struct scan *s)
{
    char c = s->text.p[s->at];

    if (is_space(c)) {
        take_while(s, is_space);
        if (s->c->state != IN_TAG)
            buf_char(&s->out, ' ');
        s->c->state = IN_TAG;
    } else if (c == '>' || c == '/') {
        scan_tag_end(s);
    } else {
        scan_attr_name(s);
    }
}

/* ---- values ---- */

static void url_colon(struct scan *s, struct str scheme)
{
    if (s->c->url == URL_DYNAMIC) {
        FAIL(s, s->at, "a URL's scheme must be static");
    } else if (url_scheme_is_code(scheme)) {
        FAIL(s, s->at, "a '%.*s:' URL is refused", STR_ARG(scheme));
    } else {
        s->c->url = url_scheme_takes_parts(scheme) ? URL_PATH : URL_FOREIGN;
    }
}

/* Follows the value `v` (all of it, or a part of it that is static). */
static void follow_url(struct scan *s, struct str v)
{
    for (size_t i = 0; i < v.n && !s->failed; i++) {
        enum url_part *url = &s->c->url;
        if (*url == URL_FOREIGN || *url == URL_UNCLEAR)
            return;
        if (v.p[i] == '?' || v.p[i] == '#')
            *url = URL_QUERY;
        else if (v.p[i] == '/' && *url != URL_QUERY)
            *url = *url == URL_START ? URL_ROOT : URL_PATH;
        else if (v.p[i] == ':' && (*url == URL_PREFIX || *url == URL_DYNAMIC))
            url_colon(s, lex_trim(str_sub(v, 0, i)));
        else if (*url == URL_ROOT)
            *url = URL_PATH;
        else if (*url == URL_START)
            *url = URL_PREFIX;
    }
}

/* Of two types a browser takes the first. */
static void follow_script_type(struct scan *s, struct str type)
{
    if (s->c->script_typed)
        FAIL(s, s->at, "this script has a type already");
    s->c->script_typed = true;
    s->c->script_json = script_type_is_json(type);
}

static void follow_value(struct scan *s, struct str v)
{
    if (s->c->attr_kind == ATTR_URL)
        follow_url(s, v);
    else if (str_is(s->c->tag, "script") && str_is(s->c->attr, "type"))
        follow_script_type(s, v);
}

static void scan_value(struct scan *s)
{
    struct str rest = str_sub(s->text, s->at, s->text.n);
    size_t end = str_index(rest, s->c->quote);

    follow_value(s, str_sub(rest, 0, end));
    if (end < rest.n)
        s->c->state = IN_TAG_TIGHT;
    copy(s, end < rest.n ? end + 1 : end);
}

static bool belongs_to_bare_value(char c)
{
    return !is_space(c) && !strchr("\"'<>=`", c);
}

static void scan_bare_value(struct scan *s)
{
    size_t from = s->at;
    struct str v = take_while(s, belongs_to_bare_value);
    char next = peek(s, 0);

    follow_value(s, v);
    if (v.n == 0 || (!at_end(s) && next != '>' && !is_space(next))) {
        FAIL(s, from, "the value of '%.*s' must be quoted", STR_ARG(s->c->attr));
        return;
    }
    s->at = from;
    copy(s, v.n);
    s->c->state = at_end(s) ? IN_VALUE_BARE : IN_TAG_TIGHT;
}

/* ---- elements that hold no markup ---- */

/* At `</name` of the open element, with something that ends the name. */
static bool at_own_end_tag(const struct scan *s)
{
    struct str name = s->c->top->name;
    char behind;

    if (peek(s, 0) != '<' || peek(s, 1) != '/' ||
        !str_eq_nocase(str_sub(s->text, s->at + 2, name.n), name))
        return false;
    behind = peek(s, name.n + 2);
    return behind == '>' || is_space(behind) || behind == '/';
}

static void scan_rcdata(struct scan *s)
{
    while (!at_end(s) && peek(s, 0) != '<')
        copy(s, 1);
    if (at_end(s))
        return;
    if (at_own_end_tag(s))
        scan_end_tag(s);
    else
        FAIL(s, s->at, "'<' in <%.*s> must be written '&lt;'", STR_ARG(s->c->top->name));
}

static void follow_json(struct context *c, char x)
{
    if (c->json_escape)
        c->json_escape = false;
    else if (c->json_string && x == '\\')
        c->json_escape = true;
    else if (x == '"')
        c->json_string = !c->json_string;
}

static void scan_json(struct scan *s)
{
    while (!at_end(s) && peek(s, 0) != '<') {
        follow_json(s->c, peek(s, 0));
        copy(s, 1);
    }
    if (at_end(s))
        return;
    if (!at_own_end_tag(s))
        FAIL(s, s->at, "'<' in a JSON block must be written '\\u003c'");
    else if (s->c->json_string)
        FAIL(s, s->at, "the JSON block ends inside a string");
    else
        scan_end_tag(s);
}

static void scan_raw(struct scan *s)
{
    while (!at_end(s) && !at_own_end_tag(s)) {
        if (looks_at(s, "<!--") || (peek(s, 0) == '<' && s->at + 1 == s->text.n)) {
            FAIL(s, s->at, "'<' in <%.*s> may open a comment or an end tag here",
                 STR_ARG(s->c->top->name));
            return;
        }
        copy(s, 1);
    }
    if (!at_end(s))
        scan_end_tag(s);
}

static void scan_comment(struct scan *s)
{
    while (!at_end(s) && !looks_at(s, "-->") && !looks_at(s, "--!>"))
        copy(s, 1);
    if (at_end(s))
        return;
    if (looks_at(s, "--!>")) {
        FAIL(s, s->at, "a comment must end with '-->'");
        return;
    }
    copy(s, 3);
    s->c->state = IN_TEXT;
}

static void scan_doctype(struct scan *s)
{
    while (!at_end(s) && peek(s, 0) != '>')
        copy(s, 1);
    if (at_end(s))
        return;
    copy(s, 1);
    s->c->state = IN_TEXT;
}

typedef void scan_handler(struct scan *s);

static scan_handler *const HANDLERS[] = {
    [IN_TEXT] = scan_text,
    [IN_TAG] = scan_tag,
    [IN_TAG_TIGHT] = scan_tag,
    [IN_VALUE] = scan_value,
    [IN_VALUE_BARE] = scan_bare_value,
    [IN_RCDATA] = scan_rcdata,
    [IN_RAW] = scan_raw,
    [IN_JSON] = scan_json,
    [IN_COMMENT] = scan_comment,
    [IN_DOCTYPE] = scan_doctype,
};

bool context_text(struct unit *u, struct context *c, struct node *n)
{
    struct scan s = {.unit = u, .c = c, .node = n, .text = n->text, .out = BUF_INIT};

    while (!at_end(&s) && !s.failed)
        HANDLERS[c->state](&s);
    n->out = arena_copy(&u->arena, buf_str(&s.out));
    buf_free(&s.out);
    return !s.failed;
}
