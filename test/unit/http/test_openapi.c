/* http/openapi.c: that the document is JSON and says what the routes say. */
#include <jansson.h>

#include "http/http.h"
#include "test/unit/base/unit.h"

static const struct param_doc params[] = {
    {"q", "query", "{\"type\":\"string\"}", "a \"prefix\""},
    {"id", "path", "{\"type\":\"string\",\"format\":\"uuid\"}", NULL},
    {NULL, NULL, NULL, NULL},
};

static const struct route routes[] = {
    {.method = HTTP_GET,
     .path = "/tenant/{t}/items/{id}",
     .flags = ROUTE_TENANT,
     .produces = MEDIA_JSON | MEDIA_HTML,
     .id = "getItem",
     .summary = "One",
     .params = params,
     .response_schema = "Item",
     .success = 200},
    {.method = HTTP_PATCH,
     .path = "/tenant/{t}/items/{id}",
     .flags = ROUTE_TENANT,
     .produces = MEDIA_JSON,
     .consumes = MEDIA_JSON | MEDIA_MERGE_PATCH,
     .id = "patchItem",
     .params = params,
     .request_schema = "ItemPatch",
     .response_schema = "Item",
     .success = 200},
    {.method = HTTP_GET, .path = "/hidden", .produces = MEDIA_JSON},
    {.method = HTTP_DELETE,
     .path = "/hidden",
     .produces = MEDIA_JSON,
     .id = "deleteHidden",
     .success = 204},
};

static json_t *print(const char *components)
{
    const struct http_config c = {.routes = routes,
                                  .route_count = COUNT_OF(routes),
                                  .openapi_components = components,
                                  .openapi_title = "T"};
    struct buf out = BUF_INIT;
    json_error_t e;
    openapi_print(&c, &out);
    json_t *json = json_loadb(out.p, out.n, JSON_REJECT_DUPLICATES, &e);
    if (!json)
        fail_msg("%s at %d: %.*s", e.text, e.position, STR_ARG(buf_str(&out)));
    buf_free(&out);
    return json;
}

static const json_t *at(const json_t *json, const char *a, const char *b, const char *c)
{
    json = a ? json_object_get(json, a) : json;
    json = b ? json_object_get(json, b) : json;
    return c ? json_object_get(json, c) : json;
}

static const json_t *parameter(const json_t *operation, const char *name)
{
    const json_t *p, *list = json_object_get(operation, "parameters");
    size_t i;
    json_array_foreach(list, i, p)
    {
        if (strcmp(json_string_value(json_object_get(p, "name")), name) == 0)
            return p;
    }
    return NULL;
}

static void operations(void **state)
{
    (void)state;
    json_t *json = print("{\"Item\":{\"type\":\"object\"}}\n");
    assert_string_equal(json_string_value(at(json, "openapi", NULL, NULL)), "3.1.0");
    const json_t *get = at(json, "paths", "/tenant/{t}/items/{id}", "get"),
                 *patch = at(json, "paths", "/tenant/{t}/items/{id}", "patch");
    assert_non_null(get);
    assert_non_null(at(get, "responses", "200", "content"));
    assert_non_null(at(get, "responses", "304", NULL));
    assert_non_null(at(get, "responses", "404", "content"));
    assert_null(at(get, "responses", "422", NULL));
    assert_null(at(get, "requestBody", NULL, NULL));
    assert_true(json_is_true(json_object_get(parameter(get, "t"), "required")));
    assert_true(json_is_true(json_object_get(parameter(get, "id"), "required")));
    assert_true(json_is_false(json_object_get(parameter(get, "q"), "required")));
    assert_string_equal(json_string_value(at(parameter(get, "id"), "schema", "format", NULL)),
                        "uuid");
    assert_non_null(parameter(get, "X-Tenant"));
    assert_null(parameter(get, "Idempotency-Key"));
    assert_non_null(at(at(patch, "requestBody", "content", NULL), "application/merge-patch+json",
                       "schema", NULL));
    assert_non_null(at(patch, "responses", "415", NULL));
    json_decref(json);
}

static void only_routes_with_a_name(void **state)
{
    (void)state;
    json_t *json = print(NULL);
    assert_non_null(at(json, "paths", "/hidden", "delete"));
    assert_null(at(json, "paths", "/hidden", "get"));
    assert_null(at(at(json, "paths", "/hidden", "delete"), "responses", "204", "content"));
    static const char *const ours[] = {"/health", "/livez", "/readyz", "/api/openapi.json"};
    for (size_t i = 0; i < COUNT_OF(ours); i++)
        assert_non_null(at(json, "paths", ours[i], "get"));
    json_decref(json);
}

static void components(void **state)
{
    (void)state;
    static const char *const given[] = {NULL, "{}", " { } \n", "{\"Item\":{}}"};
    for (size_t i = 0; i < COUNT_OF(given); i++) {
        json_t *json = print(given[i]);
        const json_t *schemas = at(json, "components", "schemas", NULL);
        assert_non_null(json_object_get(schemas, "Problem"));
        assert_int_equal(json_object_size(schemas), i == 3 ? 2 : 1);
        json_decref(json);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operations),
        cmocka_unit_test(only_routes_with_a_name),
        cmocka_unit_test(components),
    };
    return cmocka_run_group_tests_name("openapi", tests, NULL, NULL);
}
