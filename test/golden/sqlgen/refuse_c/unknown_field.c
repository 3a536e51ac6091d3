/* A column that the query does not have. */
#include "notes.h"

struct str handle(const struct note_get_row *row);

struct str handle(const struct note_get_row *row)
{
#ifdef CONTROL
    return row->title;
#else
    return row->name; /* refused */
#endif
}
