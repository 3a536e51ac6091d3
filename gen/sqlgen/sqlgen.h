/*
 * sqlgen: .sql files in, typed C out. What its parts share.
 *
 *   gen.c     memory, inputs, messages
 *   lex.c     SQL text to tokens
 *   parse.c   query files to `struct query` (annotations, one statement each)
 *   schema.c  migrations, applied to an in-memory database
 *   check.c   a query against that database: what is refused, result columns
 *   columns.c where its result columns stand, and their names
 *   typing.c  type of a column, and whether it may be NULL
 *   emit*.c   C source and header
 *   main.c    command line, files, dependency file
 *
 * Every parsed object keeps its offset in its source, so that each complaint
 * names file, line and column. All memory is from one arena that lives as long
 * as the run; a generator without memory aborts. One thread.
 */
#ifndef ROWHOUSE_GEN_SQLGEN_H
#define ROWHOUSE_GEN_SQLGEN_H

#include <sqlite3.h>
#include <stdio.h>

#include "base/buf.h"

enum { REPORT_MAX = 20, QUERY_PARAMS_MAX = 64, QUERY_COLUMNS_MAX = 128 };

struct source {
    const char *path; /* as it was given: messages and #line use it */
    struct str text;  /* valid UTF-8 without NUL, and NUL-terminated */
};

struct place {
    unsigned line, column; /* both from 1; the column counts bytes */
};

struct place source_place(const struct source *s, size_t offset);

enum token_kind {
    TOKEN_END,
    TOKEN_WORD,   /* identifier or keyword */
    TOKEN_QUOTED, /* "x", [x], `x` */
    TOKEN_STRING, /* 'x', x'00' */
    TOKEN_NUMBER,
    TOKEN_PARAM, /* :x, @x, $x, ?, ?1 */
    TOKEN_PUNCT, /* one byte */
    TOKEN_SEMI,
    TOKEN_COMMENT, /* only from lex_next */
    TOKEN_BAD      /* an unended string, name or comment */
};

struct token {
    enum token_kind kind;
    struct str text;
    size_t at; /* offset in the source */
    int depth; /* parentheses open around it */
};

enum sql_type { TYPE_UNKNOWN, TYPE_TEXT, TYPE_INT, TYPE_REAL, TYPE_BLOB };

/* What the author said about NULL: nothing, `!`, `?`. */
enum null_mark { NULL_UNSAID, NULL_NEVER, NULL_MAYBE };

struct note { /* a `-- param:` or `-- col:` line */
    struct str name;
    enum sql_type type;
    enum null_mark mark;
    size_t at; /* of the name */
    bool used;
    int index; /* of a parameter, as SQLite numbers it */
};

struct column {
    struct str name;
    enum sql_type type;
    bool nullable;
    size_t at; /* of its expression */
};

enum query_kind { QUERY_ONE, QUERY_MANY, QUERY_EXEC };

struct query {
    const struct source *source;
    struct str name;
    size_t name_at;
    enum query_kind kind;
    struct str doc;     /* comment lines, joined by newlines */
    struct str scan_ok; /* the reason; n is 0 where none was given */
    struct note params[QUERY_PARAMS_MAX];
    unsigned n_params;
    struct note notes[QUERY_COLUMNS_MAX];
    unsigned n_notes;

    struct str sql; /* without the `;` */
    size_t sql_at;
    struct token *tokens; /* n_tokens, then a TOKEN_END */
    size_t n_tokens;
    bool bad; /* already refused: not worth checking further */

    struct column columns[QUERY_COLUMNS_MAX]; /* filled by check_query */
    unsigned n_columns;
    bool writes;
    struct query *next;
};

struct migration_file {
    const struct source *source;
    struct str name; /* "0001_items" */
    unsigned version;
    char hash[65];
    struct migration_file *next;
};

struct gen {
    struct arena arena;
    FILE *messages;
    unsigned errors; /* found; the first REPORT_MAX are printed */
    sqlite3 *db;

    struct query *queries, **queries_end;
    struct migration_file *migrations, **migrations_end; /* the module's own */
    const char **inputs; /* files and folders that were read, for the depfile */
    size_t n_inputs, inputs_cap;
};

/* gen.c */
void gen_init(struct gen *g, FILE *messages);
void gen_free(struct gen *g);
void *gen_alloc(struct gen *g, size_t n);
struct str gen_copy(struct gen *g, struct str s);
/* Reads a whole file and notes it as an input. NULL where it cannot be read or
 * is not text; that is reported. */
const struct source *gen_read(struct gen *g, const char *path);
void gen_input(struct gen *g, const char *path);

/* `path:line:col: error: ...` */
void report_at(struct gen *g, const struct source *s, size_t offset, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* `path: error: ...`, for what has no line. */
void report_file(struct gen *g, const char *path, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* What SQLite says of `sql`, which begins at offset `at` of the source. */
void report_sqlite(struct gen *g, const struct source *s, struct str sql, size_t at);

/* lex.c */
/* The token at or after offset `at`; *ret_end is the offset behind it. */
struct token lex_next(struct str text, size_t at, size_t *ret_end);
/* All tokens of text[from..to) but comments. The array ends with TOKEN_END. */
struct token *lex_all(struct gen *g, struct str text, size_t from, size_t to, size_t *ret_n);
bool token_is(const struct token *t, const char *keyword);
bool token_is_punct(const struct token *t, char c);
/* The identifier without its quotes. */
struct str token_name(struct gen *g, const struct token *t);

/* A C identifier that may be a field, a tag and a part of a function's name. */
bool name_usable(struct str name);
/* "text", "int", "real", "blob"; also in the names of the run time's functions. */
const char *type_word(enum sql_type type);

/* parse.c */
void parse_queries(struct gen *g, const struct source *s);

/* schema.c */
bool schema_open(struct gen *g); /* the database in memory */
/* Reads and applies a folder; `own`: it is what the module embeds. */
void schema_apply(struct gen *g, const char *folder, bool own);

/* check.c */
void check_query(struct gen *g, struct query *q);
/* Names that two queries would both define. */
void check_names(struct gen *g);

/* columns.c: fills names and places of q->columns. False where one has no
 * name; that is reported. */
bool columns_find(struct gen *g, struct query *q);

/* typing.c */
struct typing {
    bool compound;   /* UNION, INTERSECT, EXCEPT here or in a view it reads */
    bool never_null; /* parts 2 to 5 of the rule hold */
};
/* Looks at the statement as a whole. `sql` must have been prepared before. */
void typing_of_query(struct gen *g, struct str sql, const struct token *tokens, struct typing *ret);
/* The origin of a result column: its type (TYPE_UNKNOWN where SQLite does not
 * tell or the table is not STRICT) and whether it is declared NOT NULL. */
enum sql_type typing_origin(struct gen *g, sqlite3_stmt *st, int column, bool *ret_not_null);

/* emit.c */
struct emit_options {
    const char *module;
    unsigned slot;
    const char *path_c, *path_h;
    const char *made_from; /* for the comment at the top */
    bool with_migrations, with_queries;
};
void emit_header(struct gen *g, const struct emit_options *o, struct buf *out);
void emit_source(struct gen *g, const struct emit_options *o, struct buf *out);

#endif
