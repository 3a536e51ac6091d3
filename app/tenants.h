/*
 * The list of tenants: as JSON, and as the page that also creates one.
 */
#ifndef ROWHOUSE_APP_TENANTS_H
#define ROWHOUSE_APP_TENANTS_H

#include "http/http.h"

enum { TENANTS_PAGE_MAX = 10000, TENANTS_PAGE_STANDARD = 1000 };

int tenants_prepare(struct request *rq);
int tenants_list_task(struct request *rq);

int tenants_page_prepare(struct request *rq);
int tenants_page_task(struct request *rq);

/* The form: on to the dashboard of the tenant, whose first access makes it; a
 * name outside the rule gives the page again. ERR_NOT_FOUND where only an
 * operator creates tenants. */
int tenant_form_prepare(struct request *rq);
int tenant_form_task(struct request *rq);

#endif
