/* A query that writes takes a transaction; a reader is none. */
#include "notes.h"

int handle(struct reader *r, struct write_tx *tx);

int handle(struct reader *r, struct write_tx *tx)
{
    const struct note_rename_args args = {STR_INIT("n1"), STR_INIT("New")};
#ifdef CONTROL
    (void)r;
    return note_rename(tx, &args, NULL, NULL);
#else
    (void)tx;
    return note_rename(r, &args, NULL, NULL); /* refused */
#endif
}
