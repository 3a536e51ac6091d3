/*
 * The OpenAPI 3.1 document, made of the route table: what is served and what is
 * written down cannot differ.
 */
#include <stdio.h>

#include "base/json.h"
#include "http/negotiate.h"
#include "http/server.h"

static const char tenant_schema[] =
    "{\"type\":\"string\",\"minLength\":1,\"maxLength\":63,"
    "\"pattern\":\"^[a-z0-9][a-z0-9_-]{0,62}$\",\"examples\":[\"acme-corp\"]}";

static const char problem_schema[] =
    "{\"type\":\"object\",\"required\":[\"type\",\"title\",\"status\",\"detail\",\"request_id\"],"
    "\"properties\":{\"type\":{\"type\":\"string\"},\"title\":{\"type\":\"string\"},"
    "\"status\":{\"type\":\"integer\"},\"detail\":{\"type\":\"string\"},"
    "\"request_id\":{\"type\":\"string\"},\"errors\":{\"type\":\"array\",\"items\":{"
    "\"type\":\"object\",\"required\":[\"field\",\"message\"],\"properties\":{"
    "\"field\":{\"type\":\"string\"},\"message\":{\"type\":\"string\"}}}}}}";

/* json_key() takes literals only; these keys are of the table, and plain. */
static void key(struct json *j, const char *name)
{
    json_key_(j, str_from(name));
}

static void text(struct json *j, const char *name, const char *value)
{
    key(j, name);
    json_str(j, str_from(value));
}

static void raw(struct json *j, const char *name, const char *value)
{
    key(j, name);
    json_raw(j, str_from(value));
}

static void print_parameter(struct json *j, const char *name, const char *in, bool required,
                            const char *schema, const char *help)
{
    json_object_begin(j);
    text(j, "name", name);
    text(j, "in", in);
    key(j, "required");
    json_bool(j, required);
    if (help)
        text(j, "description", help);
    raw(j, "schema", schema);
    json_object_end(j);
}

static bool documents(const struct route *r, const char *name, const char *in)
{
    for (const struct param_doc *p = r->params; p && p->name; p++)
        if (strcmp(p->name, name) == 0 && strcmp(p->in, in) == 0)
            return true;
    return false;
}

/* Parameters of the path that the route does not describe itself. */
static void print_path_parameters(struct json *j, const struct route *r)
{
    struct str rest = str_from(r->path);
    while (rest.p) {
        struct str part = str_cut(&rest, '/');
        char name[64];
        if (part.n < 3 || part.p[0] != '{' || part.n - 2 >= sizeof name)
            continue;
        memcpy(name, part.p + 1, part.n - 2);
        name[part.n - 2] = '\0';
        if (documents(r, name, "path"))
            continue;
        bool tenant = strcmp(name, "t") == 0;
        print_parameter(j, name, "path", true,
                        tenant ? tenant_schema : "{\"type\":\"string\",\"minLength\":1}",
                        tenant ? "Name of the tenant" : NULL);
    }
}

static void print_parameters(struct json *j, const struct route *r)
{
    key(j, "parameters");
    json_array_begin(j);
    print_path_parameters(j, r);
    for (const struct param_doc *p = r->params; p && p->name; p++)
        print_parameter(j, p->name, p->in, strcmp(p->in, "path") == 0, p->schema, p->help);
    if ((r->flags & ROUTE_TENANT) && !documents(r, "X-Tenant", "header"))
        print_parameter(j, "X-Tenant", "header", false, tenant_schema,
                        "Name of the tenant; goes before the host and the path");
    if (r->flags & ROUTE_IDEMPOTENT)
        print_parameter(j, "Idempotency-Key", "header", false,
                        "{\"type\":\"string\",\"minLength\":1,\"maxLength\":255,"
                        "\"pattern\":\"^[!-~]{1,255}$\"}",
                        "The same key with the same request gives the same answer for 24 hours");
    if (r->write)
        print_parameter(j, "Prefer", "header", false,
                        "{\"type\":\"string\",\"examples\":[\"durability=local\"]}",
                        "durability=relaxed, local or replica");
    if (r->flags & ROUTE_EVENTS)
        print_parameter(j, "Last-Event-ID", "header", false,
                        "{\"type\":\"string\",\"pattern\":\"^[!-~]{1,64}$\"}",
                        "Goes on behind this event where it is still held");
    json_array_end(j);
}

static void print_schema_of(struct json *j, enum media m, const char *schema)
{
    key(j, "schema");
    json_object_begin(j);
    if (schema && (m & (MEDIA_JSON | MEDIA_MERGE_PATCH | MEDIA_FORM))) {
        char ref[160];
        snprintf(ref, sizeof ref, "#/components/schemas/%s", schema);
        text(j, "$ref", ref);
    } else if (m & (MEDIA_HTML | MEDIA_TEXT | MEDIA_EVENTS)) {
        text(j, "type", "string");
    } else if (m == MEDIA_FORM) {
        text(j, "type", "object");
    }
    json_object_end(j);
}

static void print_content(struct json *j, unsigned set, const char *schema)
{
    key(j, "content");
    json_object_begin(j);
    for (unsigned bit = 1; bit <= MEDIA_TEXT; bit <<= 1) {
        if (!(set & bit))
            continue;
        struct str type = str_from(media_type((enum media)bit));
        json_key_(j, str_sub(type, 0, str_index(type, ';')));
        json_object_begin(j);
        print_schema_of(j, (enum media)bit, schema);
        json_object_end(j);
    }
    json_object_end(j);
}

static void print_body(struct json *j, const struct route *r)
{
    if (!r->consumes)
        return;
    key(j, "requestBody");
    json_object_begin(j);
    key(j, "required");
    json_bool(j, true);
    print_content(j, r->consumes, r->request_schema);
    json_object_end(j);
}

static void print_success(struct json *j, const struct route *r)
{
    char status[8];
    int code = r->success ? r->success : 200;
    snprintf(status, sizeof status, "%d", code);
    key(j, status);
    json_object_begin(j);
    text(j, "description", r->summary ? r->summary : "Done");
    if (code != 204 && code != 303)
        print_content(j, r->produces, r->response_schema);
    json_object_end(j);
    if ((r->consumes & MEDIA_FORM) && code != 303) {
        key(j, "303");
        json_raw(j, STR("{\"description\":\"The form was taken: where to look next\"}"));
    }
}

static void print_problem(struct json *j, int code, const char *description)
{
    char status[8];
    snprintf(status, sizeof status, "%d", code);
    key(j, status);
    json_object_begin(j);
    text(j, "description", description);
    key(j, "content");
    json_raw(j, STR("{\"application/problem+json\":{\"schema\":{\"$ref\":"
                    "\"#/components/schemas/Problem\"}},\"text/html\":{\"schema\":"
                    "{\"type\":\"string\"}}}"));
    json_object_end(j);
}

static void print_responses(struct json *j, const struct route *r)
{
    bool tenant = r->flags & ROUTE_TENANT, read = r->method == HTTP_GET;
    key(j, "responses");
    json_object_begin(j);
    print_success(j, r);
    if (read && r->produces && !(r->flags & ROUTE_EVENTS)) {
        key(j, "304");
        json_raw(j, STR("{\"description\":\"The client has this version\"}"));
    }
    print_problem(j, 400, "The request cannot be read");
    if (r->flags & ROUTE_PAGE_POST)
        print_problem(j, 403, "Posted from another site");
    if (tenant || strchr(r->path, '{'))
        print_problem(j, 404, "There is no such thing");
    print_problem(j, 406, "Accept names nothing that is there");
    if (!read)
        print_problem(j, 409, "Conflict with something in progress");
    if (!read || tenant)
        print_problem(j, 412, "A condition does not hold");
    if (r->consumes) {
        print_problem(j, 413, "The body is too large");
        print_problem(j, 415, "The body is of another type");
        print_problem(j, 422, "A value breaks a rule");
    }
    if (tenant)
        print_problem(j, 429, "Too many new tenants from one address");
    print_problem(j, 503, "Not now: busy, or the tenant cannot be used");
    if (tenant && !read)
        print_problem(j, 507, "The disk is full");
    json_object_end(j);
}

static void print_operation(struct json *j, const struct route *r)
{
    char method[8] = "";
    const char *name = http_method_name(r->method);
    for (size_t i = 0; name[i] && i < sizeof method - 1; i++)
        method[i] = (char)(name[i] + ('a' - 'A'));
    key(j, method);
    json_object_begin(j);
    text(j, "operationId", r->id);
    if (r->summary)
        text(j, "summary", r->summary);
    print_parameters(j, r);
    print_body(j, r);
    print_responses(j, r);
    json_object_end(j);
}

/* The i-th route, the application's first. NULL behind the last. */
static const struct route *nth_route(const struct http_config *c, size_t i)
{
    if (i < c->route_count)
        return &c->routes[i];
    i -= c->route_count;
    return i < builtin_route_count ? &builtin_routes[i] : NULL;
}

static bool first_of_path(const struct http_config *c, size_t i)
{
    const char *path = nth_route(c, i)->path;
    for (size_t before = 0; before < i; before++)
        if (nth_route(c, before)->id && strcmp(nth_route(c, before)->path, path) == 0)
            return false;
    return true;
}

static void print_paths(struct json *j, const struct http_config *c)
{
    key(j, "paths");
    json_object_begin(j);
    const struct route *r, *same;
    for (size_t i = 0; (r = nth_route(c, i)) != NULL; i++) {
        if (!r->id || !first_of_path(c, i))
            continue;
        key(j, r->path);
        json_object_begin(j);
        for (size_t k = i; (same = nth_route(c, k)) != NULL; k++)
            if (same->id && strcmp(same->path, r->path) == 0)
                print_operation(j, same);
        json_object_end(j);
    }
    json_object_end(j);
}

/* The application's schemas with ours: theirs is an object, which is opened. */
static void print_components(struct json *j, const struct http_config *c)
{
    struct str given = str_trim(str_from(c->openapi_components ? c->openapi_components : "{}"));
    while (given.n && (given.p[given.n - 1] == '\n' || given.p[given.n - 1] == ' '))
        given.n--;
    struct str inner = given.n >= 2 ? str_sub(given, 1, given.n - 2) : STR("");
    bool empty = true;
    for (size_t i = 0; i < inner.n; i++)
        empty = empty && (inner.p[i] == ' ' || inner.p[i] == '\n' || inner.p[i] == '\t');
    key(j, "components");
    json_object_begin(j);
    key(j, "schemas");
    json_object_begin(j);
    raw(j, "Problem", problem_schema);
    if (!empty) {
        buf_char(j->b, ',');
        buf_add(j->b, inner);
    }
    json_object_end(j);
    json_object_end(j);
}

void openapi_print(const struct http_config *c, struct buf *out)
{
    struct json j = json_to(out);
    json_object_begin(&j);
    text(&j, "openapi", "3.1.0");
    key(&j, "info");
    json_object_begin(&j);
    text(&j, "title", c->openapi_title ? c->openapi_title : "Rowhouse");
    text(&j, "version", ROWHOUSE_VERSION);
    json_object_end(&j);
    key(&j, "security");
    json_raw(&j, STR("[]"));
    print_paths(&j, c);
    print_components(&j, c);
    json_object_end(&j);
    buf_char(out, '\n');
}
