/* A value that may be missing is no argument for a column that needs one. */
#include "notes.h"

int handle(struct write_tx *tx, struct optstr title);

int handle(struct write_tx *tx, struct optstr title)
{
#ifdef CONTROL
    const struct note_rename_args args = {.id = STR("n1"), .title = optstr_or(title, STR("?"))};
#else
    const struct note_rename_args args = {.id = STR("n1"), .title = title}; /* refused */
#endif
    return note_rename(tx, &args, NULL, NULL);
}
