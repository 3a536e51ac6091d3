/*
 * The admin listener: metrics and health for operators, on an address of its
 * own (loopback unless somebody says otherwise). It is a small server of its
 * own, with one loop.
 */
#ifndef ROWHOUSE_HTTP_ADMIN_H
#define ROWHOUSE_HTTP_ADMIN_H

#include "http/http.h"

/* *ret is untouched where it is turned off, or where nobody chose the port and
 * it is taken (that is logged). */
int admin_start(const struct http_config *c, struct engine *en, struct http_server **ret,
                struct err *e);

#endif
