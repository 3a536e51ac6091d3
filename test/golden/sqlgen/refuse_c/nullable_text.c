/* A column that may be NULL is no string. */
#include "notes.h"

size_t measure(struct str title);
size_t handle(const struct note_get_row *row);

size_t handle(const struct note_get_row *row)
{
#ifdef CONTROL
    return measure(optstr_or(row->body, STR("")));
#else
    return measure(row->body); /* refused */
#endif
}
