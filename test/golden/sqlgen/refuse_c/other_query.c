/* The arguments of another query. */
#include "notes.h"

int handle(struct write_tx *tx);

int handle(struct write_tx *tx)
{
#ifdef CONTROL
    const struct note_rename_args args = {.id = STR("n1"), .title = STR("New")};
#else
    const struct note_get_args args = {.id = STR("n1")};
#endif
    return note_rename(tx, &args, NULL, NULL); /* refused */
}
