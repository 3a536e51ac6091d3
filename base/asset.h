/*
 * Static files in the program: what the generator gen/assets emits.
 *
 * Each file has a URL with a hash of its content in it, so an answer may be
 * cached for ever: a changed file has another URL. All of it is constant data;
 * any thread.
 */
#ifndef ROWHOUSE_BASE_ASSET_H
#define ROWHOUSE_BASE_ASSET_H

#include "base/str.h"

struct asset {
    struct str name;         /* "app.css" */
    struct str path;         /* "/static/app-0123456789.css" */
    struct str content_type; /* "text/css; charset=utf-8" */
    struct str etag;         /* a strong one, with its quotes */
    struct str bytes;
};

/* The asset with this URL path, or NULL. `table` has n entries (assets and
 * assets_count of the generated file). */
static inline const struct asset *asset_find(const struct asset *table, size_t n, struct str path)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(table[i].path, path))
            return &table[i];
    return NULL;
}

#endif
