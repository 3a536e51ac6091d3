/* base/err.c */
#include <errno.h>

#include "base/err.h"
#include "test/unit/base/unit.h"

static void every_code_has_its_line(void **state)
{
    (void)state;
    for (int code = 0; code > ERR_CODE_END_; code--) {
        const struct err_info *info = err_info(code);
        assert_int_equal(info->code, code);
        assert_true(info->name[0] && info->problem[0] && info->title[0]);
        for (int other = 0; other > code; other--) {
            assert_string_not_equal(info->name, err_info(other)->name);
            assert_string_not_equal(info->problem, err_info(other)->problem);
        }
    }
}

static void statuses_are_of_the_right_kind(void **state)
{
    (void)state;
    assert_int_equal(err_info(OK)->exit_status, 0);
    assert_int_equal(err_info(OK)->http_status, 200);
    for (int code = -1; code > ERR_CODE_END_; code--) {
        assert_in_range(err_info(code)->http_status, 400, 599);
        assert_int_equal(err_info(code)->exit_status, code == ERR_USAGE ? 2 : 1);
    }
    assert_int_equal(err_info(ERR_MALFORMED)->http_status, 400);
    assert_int_equal(err_info(ERR_INVALID)->http_status, 422);
    assert_int_equal(err_info(ERR_DISK_FULL)->http_status, 507);
    assert_int_equal(err_info(ERR_READ_ONLY)->http_status, 503);
    assert_int_equal(err_info(ERR_RATE)->http_status, 429);
}

static void an_unknown_code_is_internal(void **state)
{
    (void)state;
    assert_int_equal(err_info(1)->code, ERR_INTERNAL);
    assert_int_equal(err_info(ERR_CODE_END_)->code, ERR_INTERNAL);
    assert_int_equal(err_info(INT32_MIN)->code, ERR_INTERNAL);
}

static void set_fills_and_returns(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    assert_int_equal(err_set(&e, ERR_BUSY, "%d of %d in use", 5, 5), ERR_BUSY);
    assert_int_equal(e.code, ERR_BUSY);
    assert_string_equal(e.text, "5 of 5 in use");
    assert_int_equal(err_set(NULL, ERR_IO, "%s", "x"), ERR_IO);
    assert_int_equal(err_errno(NULL, ENOSPC, "%s", "x"), ERR_DISK_FULL);
}

static void text_stays_one_line_of_utf8(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    err_set(&e, ERR_INVALID,
            "a\nb\x7f"
            "c\x1b[1m \xff \xc3\xa4");
    assert_string_equal(e.text, "a?b?c?[1m ? \xc3\xa4");
}

/* Whatever length is in front, the cut never leaves half a character. */
static void overlong_text_is_cut_between_characters(void **state)
{
    (void)state;
    for (int width = ERR_TEXT_BYTES - 10; width < ERR_TEXT_BYTES + 3; width++) {
        struct err e = ERR_INIT;
        err_set(&e, ERR_INVALID, "%*s\xf0\x9f\x8f\xa0\xe2\x82\xac\xc3\xa4", width, "");
        size_t n = strlen(e.text);
        assert_in_range(n, ERR_TEXT_BYTES - 10, ERR_TEXT_BYTES - 1);
        assert_true(utf8_valid(str_from(e.text)));
        assert_null(strchr(e.text, '?'));
    }
}

static void errno_is_mapped(void **state)
{
    (void)state;
    static const struct {
        int errno_value;
        enum err_code code;
    } map[] = {{ENOSPC, ERR_DISK_FULL}, {EDQUOT, ERR_DISK_FULL},
               {EROFS, ERR_READ_ONLY},  {EACCES, ERR_PERMISSION},
               {EPERM, ERR_PERMISSION}, {ENOMEM, ERR_NOMEM},
               {EIO, ERR_IO},           {ENOENT, ERR_IO},
               {12345, ERR_IO}};
    for (size_t i = 0; i < COUNT_OF(map); i++) {
        struct err e = ERR_INIT;
        assert_int_equal(err_errno(&e, map[i].errno_value, "open %s", "x.db"), map[i].code);
        assert_int_equal(e.code, map[i].code);
        assert_true(str_starts(str_from(e.text), STR("open x.db: ")));
    }
    struct err e = ERR_INIT;
    err_errno(&e, ENOENT, "open x.db");
    assert_string_equal(e.text, "open x.db: No such file or directory");
    err_errno(&e, ENOENT, "%300s", "x");
    assert_int_equal(strlen(e.text), ERR_TEXT_BYTES - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_has_its_line),
        cmocka_unit_test(statuses_are_of_the_right_kind),
        cmocka_unit_test(an_unknown_code_is_internal),
        cmocka_unit_test(set_fills_and_returns),
        cmocka_unit_test(text_stays_one_line_of_utf8),
        cmocka_unit_test(overlong_text_is_cut_between_characters),
        cmocka_unit_test(errno_is_mapped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
