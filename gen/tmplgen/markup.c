/*
 * What HTML itself says, as tables: which elements are void or hold raw text,
 * which attributes are URLs, events or otherwise more than text.
 *
 * Sources: the HTML standard, sections 13.1.2 (elements) and "attributes" of
 * the index; for what is refused, the list that Go's html/template keeps.
 */
#include "gen/tmplgen/context.h"

bool str_is(struct str s, const char *lower_case)
{
    return str_eq_nocase(s, str_from(lower_case));
}

static bool is_one_of(struct str s, const char *const *list)
{
    for (; *list; list++)
        if (str_is(s, *list))
            return true;
    return false;
}

bool element_is_void(struct str name)
{
    static const char *const VOID[] = {"area",  "base",   "br",    "col",  "embed",
                                       "hr",    "img",    "input", "link", "meta",
                                       "param", "source", "track", "wbr",  NULL};
    return is_one_of(name, VOID);
}

bool element_is_raw(struct str name)
{
    static const char *const RAW[] = {"script",  "style",    "iframe",    "xmp",
                                      "noembed", "noframes", "plaintext", NULL};
    return is_one_of(name, RAW);
}

bool element_is_rcdata(struct str name)
{
    static const char *const RCDATA[] = {"title", "textarea", NULL};
    return is_one_of(name, RCDATA);
}

bool element_within(const struct element *top, const char *name)
{
    for (; top; top = top->parent)
        if (str_is(top->name, name))
            return true;
    return false;
}

/* The nearest of svg, math and the elements inside them that hold HTML. */
bool element_in_foreign(const struct element *top)
{
    for (; top; top = top->parent) {
        if (str_is(top->name, "foreignobject"))
            return false;
        if (str_is(top->name, "svg") || str_is(top->name, "math"))
            return true;
    }
    return false;
}

bool element_stacks_equal(const struct element *a, const struct element *b)
{
    while (a != b) {
        if (!a || !b || !str_eq_nocase(a->name, b->name))
            return false;
        a = a->parent;
        b = b->parent;
    }
    return true;
}

static bool contains(struct str s, const char *word)
{
    size_t n = strlen(word);

    for (size_t i = 0; i + n <= s.n; i++)
        if (str_is(str_sub(s, i, n), word))
            return true;
    return false;
}

static bool is_url_name(struct str attr)
{
    static const char *const URLS[] = {
        "action",   "archive",    "background", "cite", "classid", "codebase", "data",
        "dynsrc",   "formaction", "href",       "icon", "itemid",  "longdesc", "lowsrc",
        "manifest", "poster",     "profile",    "src",  "usemap",  "xmlns",    NULL};
    return is_one_of(attr, URLS);
}

/* Attributes whose value is markup, a list of URLs, or a rule for others:
 * the last row are those of SVG's animations, which can set an href. */
static bool is_fixed_name(struct str tag, struct str attr)
{
    static const char *const FIXED[] = {
        "srcdoc",    "srcset",        "imagesrcset", "ping", "sandbox", "http-equiv", "allow", "is",
        "integrity", "attributename", "from",        "to",   "by",      "values",     NULL};
    static const char *const TYPED[] = {"script", "style", "link", "object", "embed", NULL};

    if (str_is(attr, "type"))
        return is_one_of(tag, TYPED);
    if (str_is(attr, "rel"))
        return str_is(tag, "link");
    return is_one_of(attr, FIXED);
}

enum attr_kind attr_classify(struct str tag, struct str attr)
{
    size_t colon = str_index(attr, ':');

    if (attr.n > 5 && str_is(str_sub(attr, 0, 5), "data-")) {
        struct str own = str_sub(attr, 5, attr.n - 5);
        bool url = is_url_name(own) || contains(own, "src") || contains(own, "url") ||
                   contains(own, "uri") || contains(own, "href");
        return url ? ATTR_URL : ATTR_TEXT;
    }
    if (colon < attr.n)
        attr = str_sub(attr, colon + 1, attr.n - colon - 1);
    if (attr.n >= 2 && str_is(str_sub(attr, 0, 2), "on"))
        return ATTR_EVENT;
    if (str_is(attr, "style"))
        return ATTR_STYLE;
    if (is_fixed_name(tag, attr))
        return ATTR_FIXED;
    return is_url_name(attr) ? ATTR_URL : ATTR_TEXT;
}

bool script_type_is_json(struct str type)
{
    return str_is(type, "application/json") ||
           (type.n > 5 && str_is(str_sub(type, type.n - 5, 5), "+json"));
}

bool url_scheme_takes_parts(struct str scheme)
{
    static const char *const SCHEMES[] = {"http", "https", "mailto", "tel", NULL};
    return is_one_of(scheme, SCHEMES);
}

bool url_scheme_is_code(struct str scheme)
{
    static const char *const SCHEMES[] = {"javascript", "vbscript", "livescript", NULL};
    return is_one_of(scheme, SCHEMES);
}
