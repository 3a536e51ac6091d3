/*
 * What the fuzz targets share.
 *
 * A target is one C file that defines fuzz_one(); fuzz.c hands it one input at
 * a time. A target states properties with FUZZ_CHECK; where one does not hold,
 * the program aborts and libFuzzer keeps the input. Rules that a target
 * compares with are written a second time, in another way, here or in
 * oracle.h: no check may call the function that it checks to learn what is
 * right. One thread.
 */
#ifndef ROWHOUSE_TEST_FUZZ_H
#define ROWHOUSE_TEST_FUZZ_H

#include "base/buf.h"
#include "base/err.h"

/* Checks one input. What comes from `a` is freed afterwards. */
void fuzz_one(struct str in, struct arena *a);

/* A copy of exactly its size, so that AddressSanitizer sees a read behind its
 * end. Freed after the input. */
struct str fuzz_own(struct str s);

/* The next line of *rest, as fuzz_own(); empty at the end. */
struct str fuzz_line(struct str *rest);

/* The next byte of *rest, 0 at the end. */
uint8_t fuzz_byte(struct str *rest);

/* `s` with a NUL behind it; "" from its first NUL on. */
const char *fuzz_cstr(struct arena *a, struct str s);

/* True where a person may read it as one line of a terminal. */
bool fuzz_is_one_line(struct str s);

#define FUZZ_CHECK(condition)                                                                      \
    do {                                                                                           \
        if (!(condition))                                                                          \
            fuzz_failed(__FILE__, __LINE__, #condition);                                           \
    } while (0)

/* As FUZZ_CHECK, for two strings, which are shown. */
#define FUZZ_SAME(a, b) fuzz_check_same(__FILE__, __LINE__, (a), (b))

_Noreturn void fuzz_failed(const char *file, int line, const char *what);
void fuzz_check_same(const char *file, int line, struct str a, struct str b);

#endif
