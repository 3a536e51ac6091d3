/*
 * Cursors. Lines: tenant, route, binding, position, then texts that claim to
 * be cursors. What was made is read back; whatever else is given, or the same
 * for another tenant, route or query, is refused.
 */
#include "http/cursor.h"

#include <sodium.h>

#include "fuzz.h"

static uint8_t secret[32]; /* another one for each input */
static const uint8_t other_secret[32] = "another secret of 32 bytes......";

static void check_refused(const struct cursor_scope *scope, struct str cursor, struct arena *a)
{
    struct str position = STR("untouched");
    struct err e = ERR_INIT;
    FUZZ_CHECK(cursor_read(scope, cursor, a, &position, &e) == ERR_MALFORMED);
    FUZZ_SAME(position, STR("untouched"));
    FUZZ_CHECK(e.code == ERR_MALFORMED && fuzz_is_one_line(str_from(e.text)));
}

/* Each part of the scope counts, and where one ends. */
static void check_scope(const struct cursor_scope *scope, struct str cursor, struct arena *a)
{
    struct cursor_scope other = *scope;
    other.secret = other_secret;
    check_refused(&other, cursor, a);
    other = *scope;
    other.tenant = arena_printf(a, "%.*sx", STR_ARG(scope->tenant));
    check_refused(&other, cursor, a);
    other = *scope;
    other.binding = arena_printf(a, "x%.*s", STR_ARG(scope->binding));
    check_refused(&other, cursor, a);
    if (scope->route.n) {
        struct buf moved = BUF_INIT;
        other = *scope;
        buf_add(&moved, scope->tenant);
        buf_char(&moved, scope->route.p[0]);
        other.tenant = arena_copy(a, buf_str(&moved));
        other.route = str_make(scope->route.p + 1, scope->route.n - 1);
        check_refused(&other, cursor, a);
        buf_free(&moved);
    }
}

/* Every other text of the same length or near it. */
static void check_changes(const struct cursor_scope *scope, struct str cursor, struct arena *a)
{
    char *text = arena_alloc(a, cursor.n + 1);
    memcpy(text, cursor.p, cursor.n);
    for (size_t i = 0; i < cursor.n; i += 1 + cursor.n / 8) {
        for (unsigned bit = 0; bit < 8; bit++) {
            text[i] = (char)(cursor.p[i] ^ (1 << bit));
            check_refused(scope, str_make(text, cursor.n), a);
        }
        text[i] = cursor.p[i];
        check_refused(scope, str_make(cursor.p, i), a);
    }
    text[cursor.n] = '=';
    check_refused(scope, str_make(text, cursor.n + 1), a);
    text[cursor.n] = 'A';
    check_refused(scope, str_make(text, cursor.n + 1), a);
}

void fuzz_one(struct str in, struct arena *a)
{
    struct str rest = in;
    struct cursor_scope scope = {.secret = secret};
    scope.tenant = fuzz_line(&rest);
    scope.route = fuzz_line(&rest);
    scope.binding = fuzz_line(&rest);
    struct str position = fuzz_line(&rest), back;
    /* libFuzzer sees what is compared and puts it into further inputs: a cursor
     * that it has seen must not be a right one there. */
    crypto_generichash(secret, sizeof secret, (const unsigned char *)in.p, in.n - rest.n, NULL, 0);
    struct str cursor = cursor_make(&scope, position, a);
    FUZZ_CHECK((cursor.p != NULL) == (position.n <= CURSOR_POSITION_MAX));
    if (cursor.p) {
        for (size_t i = 0; i < cursor.n; i++)
            FUZZ_CHECK(strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
                              cursor.p[i]));
        cursor = fuzz_own(cursor);
        FUZZ_CHECK(cursor_read(&scope, cursor, a, &back, NULL) == 0);
        FUZZ_SAME(back, position);
        check_scope(&scope, cursor, a);
        check_changes(&scope, cursor, a);
    }
    while (rest.n) {
        struct str forged = fuzz_line(&rest);
        if (!cursor.p || !str_eq(forged, cursor))
            check_refused(&scope, forged, a);
    }
}
