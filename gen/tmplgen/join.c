/*
 * Contexts at the edges of static text: what an interpolation may be there,
 * what a template's tag ends, and when two contexts are one.
 *
 * See context.h. Nothing here reads HTML.
 */
#include "gen/tmplgen/context.h"

static const char *url_macro(struct context *c)
{
    switch (c->url) {
    case URL_START:
        c->url = URL_PATH;
        return "html_url";
    case URL_PREFIX:
    case URL_DYNAMIC:
        c->url = URL_DYNAMIC;
        return "html_url_path";
    case URL_ROOT:
        c->url = URL_PATH;
        return "html_url_first";
    case URL_PATH:
        return "html_url_path";
    case URL_QUERY:
        return "html_url_query";
    case URL_FOREIGN:
    case URL_UNCLEAR:
        break;
    }
    return NULL;
}

/* The macro of a quoted value, or NULL and why there is none. */
static const char *value_macro(struct context *c, const char **ret_why)
{
    const char *macro = NULL;

    switch (c->attr_kind) {
    case ATTR_TEXT:
        macro = "html_attr";
        if (str_is(c->tag, "meta") && str_is(c->attr, "content")) {
            c->content_given = true;
            if (c->http_equiv) {
                *ret_why = "beside 'http-equiv'";
                macro = NULL;
            }
        }
        break;
    case ATTR_URL:
        macro = url_macro(c);
        *ret_why = c->url == URL_FOREIGN ? "behind this URL scheme"
                                         : "in a URL that may have begun or not";
        break;
    case ATTR_EVENT:
        *ret_why = "in an event handler";
        break;
    case ATTR_STYLE:
        *ret_why = "in a style attribute";
        break;
    case ATTR_FIXED:
        *ret_why = "in an attribute that must be static";
        break;
    }
    return macro;
}

/* The macro for an interpolation at *c, which moves over it. */
static const char *expr_macro(struct context *c, const char **ret_why)
{
    switch (c->state) {
    case IN_TEXT:
        return "html_text";
    case IN_RCDATA:
        return "html_rcdata";
    case IN_JSON:
        *ret_why = "inside a JSON string (leave its quotes out: the value brings its own)";
        return c->json_string ? NULL : "html_json";
    case IN_VALUE:
        return value_macro(c, ret_why);
    case IN_VALUE_BARE:
    case BEFORE_VALUE:
        *ret_why = "in an attribute value without quotes";
        break;
    case IN_TAG_NAME:
        *ret_why = "in a tag name";
        break;
    case IN_ATTR_NAME:
        *ret_why = "in an attribute name";
        break;
    case IN_TAG:
    case IN_TAG_TIGHT:
        *ret_why = "inside a tag, outside of a value";
        break;
    case IN_RAW:
        *ret_why = str_is(c->top->name, "script") ? "in a script" : "in an element of raw text";
        if (str_is(c->top->name, "style"))
            *ret_why = "in a style sheet";
        break;
    case IN_COMMENT:
        *ret_why = "in a comment";
        break;
    case IN_DOCTYPE:
        *ret_why = "in a doctype";
        break;
    }
    return NULL;
}

bool context_expr(struct unit *u, struct context *c, struct node *n)
{
    const char *why = "here";

    n->macro = expr_macro(c, &why);
    if (!n->macro) {
        diag_error(&u->diag, n->pos, "an interpolation is refused %s", why);
        return false;
    }
    c->newline = false;
    return true;
}

bool context_settle(struct unit *u, struct context *c, struct pos pos)
{
    const char *why = NULL;

    switch (c->state) {
    case IN_TAG_NAME:
    case IN_ATTR_NAME:
    case IN_VALUE_BARE:
        c->state = IN_TAG_TIGHT;
        break;
    case BEFORE_VALUE:
        why = "in an attribute value without quotes";
        break;
    case IN_COMMENT:
    case IN_DOCTYPE:
        diag_error(&u->diag, c->tag_pos, "this is not closed before a template tag");
        return false;
    case IN_VALUE:
        if (c->attr_kind == ATTR_FIXED)
            why = "in an attribute that must be static";
        else if (c->attr_kind == ATTR_URL && c->url == URL_PREFIX)
            c->url = URL_DYNAMIC;
        break;
    default:
        break;
    }
    if (why)
        diag_error(&u->diag, pos, "a template tag is refused %s", why);
    return why == NULL;
}

static bool in_tag(enum state s)
{
    return s == IN_TAG || s == IN_TAG_TIGHT || s == IN_VALUE;
}

/* Two URL parts as one: what is refused or escaped more wins. */
static enum url_part join_url(enum url_part a, enum url_part b)
{
    if (a == b)
        return a;
    if (a == URL_START || b == URL_START || a == URL_UNCLEAR || b == URL_UNCLEAR)
        return URL_UNCLEAR;
    if (a == URL_FOREIGN || b == URL_FOREIGN)
        return URL_FOREIGN;
    if (a == URL_DYNAMIC || b == URL_DYNAMIC)
        return a == URL_ROOT || b == URL_ROOT ? URL_UNCLEAR : URL_DYNAMIC;
    return a == URL_ROOT || b == URL_ROOT ? URL_ROOT : URL_PATH;
}

bool context_join(struct context *a, const struct context *b)
{
    bool spaces = (a->state == IN_TAG && b->state == IN_TAG_TIGHT) ||
                  (a->state == IN_TAG_TIGHT && b->state == IN_TAG);

    if ((a->state != b->state && !spaces) || !element_stacks_equal(a->top, b->top))
        return false;
    if (in_tag(a->state) && (!str_eq(a->tag, b->tag) || a->script_typed != b->script_typed ||
                             a->script_json != b->script_json))
        return false;
    if (a->state == IN_VALUE && (!str_eq(a->attr, b->attr) || a->quote != b->quote))
        return false;
    if (a->state == IN_JSON &&
        (a->json_string != b->json_string || a->json_escape != b->json_escape))
        return false;
    if (spaces)
        a->state = IN_TAG_TIGHT;
    a->url = join_url(a->url, b->url);
    a->http_equiv = a->http_equiv || b->http_equiv;
    a->content_given = a->content_given || b->content_given;
    a->newline = a->newline && b->newline;
    return true;
}

struct str context_describe(struct unit *u, const struct context *c)
{
    struct str tag = c->tag;

    if (in_tag(c->state) && c->state != IN_VALUE)
        return arena_printf(&u->arena, "the tag <%.*s>%s", STR_ARG(tag),
                            c->script_typed ? " with its type" : "");
    if (c->state == IN_VALUE)
        return arena_printf(&u->arena, "the value of '%.*s' in <%.*s>", STR_ARG(c->attr),
                            STR_ARG(tag));
    if (c->state == IN_JSON && c->json_string)
        return arena_printf(&u->arena, "a string in <%.*s>", STR_ARG(c->top->name));
    if (!c->top)
        return STR("text outside of any element");
    return arena_printf(&u->arena, "the content of <%.*s>", STR_ARG(c->top->name));
}
