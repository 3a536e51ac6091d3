/*
 * The application: a list of items for each tenant, as JSON and as pages.
 *
 * This folder is the part that people copy to build their own; README.md in it
 * says how to add a resource. SQL is in queries/ and migrations/, HTML in
 * templates/, and the generators make typed C of both. Nothing here locks or
 * starts a thread: the functions run where http/http.h says.
 */
#ifndef ROWHOUSE_APP_APP_H
#define ROWHOUSE_APP_APP_H

#include "app/assets.h"
#include "http/http.h"

/* What the engine needs: schema, statements, first rows, summaries. */
extern const struct engine_app app_engine;

/* What the server needs. */
extern const struct route app_routes[];
extern const size_t app_route_count;
extern const char app_title[];
extern const char app_openapi_components[]; /* openapi.json: schemas of bodies */
#define app_assets      assets              /* static/, as gen/assets names them */
#define app_asset_count assets_count

/* Writes an error as a page. */
void app_error_page(struct request *rq, const struct problem *p, struct buf *out);

#endif
