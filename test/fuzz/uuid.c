/*
 * UUIDs: only the canonical form in lower case is one, and a generator goes
 * above every id of version 7 that it was told of.
 */
#include <stdio.h>

#include "base/uuid.h"
#include "fuzz.h"

static bool oracle_valid(struct str s)
{
    static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    if (s.n != sizeof form - 1)
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (form[i] == '-' ? s.p[i] != '-' : !s.p[i] || !strchr("0123456789abcdef", s.p[i]))
            return false;
    return true;
}

/* Milliseconds of an id that was made by a clock: until the end of 9999. */
static bool is_of_a_clock(struct str s)
{
    unsigned long long high, low;
    char text[14] = {0};
    memcpy(text, s.p, 13);
    FUZZ_CHECK(sscanf(text, "%8llx-%4llx", &high, &low) == 2);
    return s.p[14] == '7' && (high << 16 | low) <= 253402300799999ull;
}

static void check_above(struct uuid_gen *g, struct str last)
{
    static char before[UUID_TEXT_BYTES];
    char text[UUID_TEXT_BYTES];
    memcpy(before, last.p, last.n);
    for (int i = 0; i < 3; i++) {
        struct str id = uuid_v7(g, text);
        FUZZ_CHECK(oracle_valid(id) && uuid_valid(id) && id.p[14] == '7');
        FUZZ_CHECK(strchr("89ab", id.p[19]) && memcmp(id.p, before, id.n) > 0);
        memcpy(before, id.p, id.n);
    }
}

void fuzz_one(struct str in, struct arena *a)
{
    static const char nil[] = "00000000-0000-0000-0000-000000000000";
    (void)a;
    struct uuid_gen g = {0};
    struct str highest = STR("");
    struct str rest = in;
    while (rest.n) {
        struct str line = fuzz_line(&rest);
        FUZZ_CHECK(uuid_valid(line) == oracle_valid(line));
        uuid_v7_seen(&g, line);
        if (oracle_valid(line) && is_of_a_clock(line) &&
            (highest.n == 0 || memcmp(line.p, highest.p, line.n) > 0))
            highest = line;
    }
    check_above(&g, highest.n ? highest : str_from(nil));
}
