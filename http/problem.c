/*
 * Problem documents (RFC 9457). A type is a URN, "urn:rowhouse:problem:NAME":
 * it names the problem and does not pretend that there is a page behind it.
 */
#include <stdio.h>

#include "base/json.h"
#include "http/exchange.h"
#include "http/server.h"

void request_format(char *to, size_t bytes, const char *fmt, va_list args)
{
    vsnprintf(to, bytes, fmt, args);
}

/* Titles of the statuses that no error code has. */
static const char *title_of(int status)
{
    static const struct {
        int status;
        const char *title;
    } titles[] = {
        {400, "The request cannot be read"},
        {403, "Refused"},
        {405, "The method is not allowed here"},
        {406, "Not available in a form that you accept"},
        {408, "The request took too long to arrive"},
        {409, "Conflict with something in progress"},
        {413, "Too large"},
        {414, "The target is too long"},
        {415, "The body is of a type that is not read here"},
        {417, "The expectation cannot be met"},
        {422, "The request cannot be carried out as it is"},
        {431, "The header is too large"},
        {503, "The service is not available now"},
    };
    for (size_t i = 0; i < sizeof titles / sizeof *titles; i++)
        if (titles[i].status == status)
            return titles[i].title;
    return status_reason(status);
}

static void describe(const struct exchange *ex, struct problem *ret)
{
    const struct request *rq = &ex->rq;
    const struct err_info *info = err_info(ex->rc);
    bool fields = rq->field_errors != NULL && !ex->fail_status;
    if (fields)
        info = err_info(ERR_INVALID);
    *ret = (struct problem){
        .status = ex->fail_status ? ex->fail_status : info->http_status,
        .type = rq->problem ? rq->problem : info->problem,
        .title = ex->fail_status ? title_of(ex->fail_status) : info->title,
        .detail = rq->err.text[0] ? str_from(rq->err.text) : STR(""),
        .fields = fields ? rq->field_errors : NULL,
    };
    if (ret->detail.n == 0)
        ret->detail = fields ? STR("One or more fields break a rule") : str_from(ret->title);
}

static void print_fields(struct json *j, const struct field_error *f)
{
    json_key(j, "errors");
    json_array_begin(j);
    for (; f; f = f->next) {
        json_object_begin(j);
        json_key(j, "field");
        json_str(j, f->field);
        json_key(j, "message");
        json_str(j, f->message);
        json_object_end(j);
    }
    json_array_end(j);
}

static void print_document(struct request *rq, const struct problem *p)
{
    struct json j = json_to(&rq->out);
    char type[96];
    snprintf(type, sizeof type, "urn:rowhouse:problem:%s", p->type);
    json_object_begin(&j);
    json_key(&j, "type");
    json_str(&j, str_from(type));
    json_key(&j, "title");
    json_str(&j, str_from(p->title));
    json_key(&j, "status");
    json_i64(&j, p->status);
    json_key(&j, "detail");
    json_str(&j, p->detail);
    json_key(&j, "request_id");
    json_str(&j, rq->id);
    if (p->fields)
        print_fields(&j, p->fields);
    json_object_end(&j);
    buf_char(&rq->out, '\n');
}

void problem_answer(struct exchange *ex)
{
    struct request *rq = &ex->rq;
    struct problem p;
    describe(ex, &p);
    rq->status = p.status;
    rq->n_headers = 0;
    rq->etag = STR("");
    buf_reset(&rq->out);
    bool page = rq->accepts == MEDIA_HTML && ex->srv->config.error_page;
    if (page) {
        rq->out_type = NULL;
        ex->srv->config.error_page(rq, &p, &rq->out);
        page = buf_ok(&rq->out) && rq->out.n > 0;
    }
    if (!page) {
        buf_reset(&rq->out);
        rq->out_type = "application/problem+json";
        print_document(rq, &p);
    }
    if (!buf_ok(&rq->out))
        buf_reset(&rq->out); /* memory is out: the status alone */
}
