/*
 * UUID version 7. The 12 bits behind the version are a counter that starts
 * each millisecond at a random value in the lower half of its range, so at
 * least 2,048 ids fit into one; when it runs over, the generator goes on in
 * the next millisecond ahead of the clock (RFC 9562, section 6.2).
 *
 * Random bytes come from libsodium in blocks, one block a thread, as a system
 * call for each id would cost more than all the rest.
 */
#include "base/uuid.h"

#include <sodium.h>

#include "base/clock.h"

enum {
    COUNTER_MAX = 0xfff,
    COUNTER_START_MASK = 0x7ff,
    RANDOM_PER_ID = 10, /* 2 for the counter's start, 8 for the id */
    RANDOM_BLOCK = 64 * RANDOM_PER_ID
};

/* The end of the year 9999. What is later was made by no clock, and taking it
 * over would leave the generator without room. */
static const uint64_t ms_max = UINT64_C(253402300799999);

struct random_block {
    size_t left;
    unsigned char bytes[RANDOM_BLOCK];
};

static _Thread_local struct random_block random_block;

static const unsigned char *random_bytes(void)
{
    struct random_block *r = &random_block;
    if (r->left == 0) {
        randombytes_buf(r->bytes, sizeof r->bytes);
        r->left = sizeof r->bytes;
    }
    r->left -= RANDOM_PER_ID;
    return r->bytes + r->left;
}

static uint64_t now_ms(void)
{
    int64_t ns = clock_real_ns();
    return ns > 0 ? (uint64_t)(ns / NS_PER_MS) : 0;
}

/* Moves the generator above its last id. */
static void advance(struct uuid_gen *g, uint16_t random)
{
    uint64_t now = now_ms();
    if (now > g->last_ms) {
        g->last_ms = now;
    } else if (g->counter < COUNTER_MAX) {
        g->counter++;
        return;
    } else {
        g->last_ms++;
    }
    g->counter = random & COUNTER_START_MASK;
}

static const char hex_pairs[] = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
                                "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"
                                "404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f"
                                "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f"
                                "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"
                                "a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf"
                                "c0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedf"
                                "e0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff";

static struct str format(const unsigned char id[16], char out[UUID_TEXT_BYTES])
{
    char *p = out;
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *p++ = '-';
        memcpy(p, hex_pairs + (size_t)id[i] * 2, 2);
        p += 2;
    }
    *p = '\0';
    return str_make(out, UUID_TEXT_BYTES - 1);
}

struct str uuid_v7(struct uuid_gen *g, char out[UUID_TEXT_BYTES])
{
    const unsigned char *random = random_bytes();
    advance(g, (uint16_t)(random[8] << 8 | random[9]));

    unsigned char id[16];
    for (int i = 0; i < 6; i++)
        id[i] = (unsigned char)(g->last_ms >> (40 - 8 * i));
    id[6] = (unsigned char)(0x70 | g->counter >> 8);
    id[7] = (unsigned char)g->counter;
    memcpy(id + 8, random, 8);
    id[8] = (unsigned char)(0x80 | (id[8] & 0x3f));
    return format(id, out);
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool uuid_valid(struct str s)
{
    if (s.n != UUID_TEXT_BYTES - 1)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;
        if (hyphen ? s.p[i] != '-' : hex_value(s.p[i]) < 0)
            return false;
    }
    return true;
}

static uint64_t hex_number(struct str s)
{
    uint64_t v = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] != '-')
            v = v << 4 | (uint64_t)hex_value(s.p[i]);
    }
    return v;
}

void uuid_v7_seen(struct uuid_gen *g, struct str id)
{
    if (!uuid_valid(id) || id.p[14] != '7')
        return;
    uint64_t ms = hex_number(str_sub(id, 0, 13));
    uint16_t counter = (uint16_t)hex_number(str_sub(id, 15, 3));
    if (ms > ms_max || ms < g->last_ms || (ms == g->last_ms && counter <= g->counter))
        return;
    g->last_ms = ms;
    g->counter = counter;
}
