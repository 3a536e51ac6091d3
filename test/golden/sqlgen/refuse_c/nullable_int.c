/* A column that may be NULL is no number. */
#include "notes.h"

int64_t handle(const struct note_get_row *row);

int64_t handle(const struct note_get_row *row)
{
#ifdef CONTROL
    return row->stars.some ? row->stars.v : 0;
#else
    return row->stars; /* refused */
#endif
}
