/*
 * Layout before base64url: 16 bytes of BLAKE2b keyed with the secret, over
 * each part with its length; then the position.
 */
#include "http/cursor.h"

#include <sodium.h>

enum { MAC_BYTES = 16, VARIANT = sodium_base64_VARIANT_URLSAFE_NO_PADDING };

static void compute_mac(const struct cursor_scope *scope, struct str position,
                        unsigned char mac[MAC_BYTES])
{
    const struct str parts[] = {STR("cursor"), scope->tenant, scope->route, scope->binding,
                                position};
    crypto_generichash_state state;
    crypto_generichash_init(&state, scope->secret, 32, MAC_BYTES);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        uint64_t n = parts[i].n;
        crypto_generichash_update(&state, (const unsigned char *)&n, sizeof n);
        crypto_generichash_update(&state, (const unsigned char *)parts[i].p, parts[i].n);
    }
    crypto_generichash_final(&state, mac, MAC_BYTES);
}

struct str cursor_make(const struct cursor_scope *scope, struct str position, struct arena *arena)
{
    unsigned char raw[MAC_BYTES + CURSOR_POSITION_MAX];
    if (position.n > CURSOR_POSITION_MAX)
        return (struct str){NULL, 0};
    compute_mac(scope, position, raw);
    if (position.n)
        memcpy(raw + MAC_BYTES, position.p, position.n);
    size_t n = MAC_BYTES + position.n, room = sodium_base64_encoded_len(n, VARIANT);
    char *text = arena_alloc(arena, room);
    if (!text)
        return (struct str){NULL, 0};
    sodium_bin2base64(text, room, raw, n, VARIANT);
    return str_from(text);
}

/* libsodium 1.0.18 also reads the byte 0xdf as an underscore. */
static bool is_ascii(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] >= 0x80)
            return false;
    return true;
}

int cursor_read(const struct cursor_scope *scope, struct str cursor, struct arena *arena,
                struct str *ret_position, struct err *e)
{
    unsigned char raw[MAC_BYTES + CURSOR_POSITION_MAX], mac[MAC_BYTES];
    size_t n = 0;
    const char *end = NULL;
    bool readable =
        is_ascii(cursor) &&
        sodium_base642bin(raw, sizeof raw, cursor.p, cursor.n, NULL, &n, &end, VARIANT) == 0 &&
        end == cursor.p + cursor.n && n >= MAC_BYTES;
    if (readable) {
        struct str position = str_make((const char *)raw + MAC_BYTES, n - MAC_BYTES);
        compute_mac(scope, position, mac);
        if (sodium_memcmp(mac, raw, MAC_BYTES) == 0) {
            struct str copy = arena_copy(arena, position);
            if (!copy.p)
                return err_set(e, ERR_NOMEM, "Out of memory");
            *ret_position = copy;
            return 0;
        }
    }
    return err_set(e, ERR_MALFORMED,
                   "`cursor` is not one that this server gave out for this tenant and query");
}
