/*
 * Between libFuzzer and a target (fuzz.h). Messages go to the descriptor, since
 * a target may use stderr for something else.
 */
#include "fuzz.h"

#include <ctype.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { OWNED_MAX = 16384 }; /* an input has up to 4,096 bytes */

static char *owned[OWNED_MAX];
static size_t n_owned;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct str fuzz_own(struct str s)
{
    char *p = malloc(s.n);
    FUZZ_CHECK(n_owned < OWNED_MAX && (p || s.n == 0));
    if (s.n)
        memcpy(p, s.p, s.n);
    owned[n_owned++] = p;
    return str_make(p ? p : "", s.n);
}

struct str fuzz_line(struct str *rest)
{
    const char *end = rest->n ? memchr(rest->p, '\n', rest->n) : NULL;
    size_t n = end ? (size_t)(end - rest->p) : rest->n;
    struct str line = str_make(rest->p, n);
    *rest = end ? str_make(end + 1, rest->n - n - 1) : STR("");
    return fuzz_own(line);
}

uint8_t fuzz_byte(struct str *rest)
{
    if (rest->n == 0)
        return 0;
    uint8_t byte = (uint8_t)rest->p[0];
    *rest = str_make(rest->p + 1, rest->n - 1);
    return byte;
}

const char *fuzz_cstr(struct arena *a, struct str s)
{
    struct str copy = arena_copy(a, s);
    FUZZ_CHECK(copy.p != NULL);
    return copy.p;
}

bool fuzz_is_one_line(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
            return false;
    return true;
}

void fuzz_failed(const char *file, int line, const char *what)
{
    dprintf(STDERR_FILENO, "%s:%d: does not hold: %s\n", file, line, what);
    abort();
}

static void show(const char *name, struct str s)
{
    dprintf(STDERR_FILENO, "  %s (%zu bytes): ", name, s.n);
    for (size_t i = 0; i < s.n && i < 2000; i++)
        dprintf(STDERR_FILENO, isprint((unsigned char)s.p[i]) ? "%c" : "\\x%02x",
                (unsigned char)s.p[i]);
    dprintf(STDERR_FILENO, "\n");
}

void fuzz_check_same(const char *file, int line, struct str a, struct str b)
{
    if (a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0))
        return;
    show("first", a);
    show("second", b);
    fuzz_failed(file, line, "the two are the same");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct arena a = ARENA_INIT;
    FUZZ_CHECK(sodium_init() >= 0);
    fuzz_one(str_make((const char *)data, n), &a);
    arena_free(&a);
    while (n_owned > 0)
        free(owned[--n_owned]);
    return 0;
}
