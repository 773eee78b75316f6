// The table-valued function packed_rows(rows): the rows that Rows has packed, as
// columns c1, c2 and so on. INSERT … SELECT … FROM packed_rows(?) inserts thousands of
// rows in one run of a statement, which opens the table's indexes and makes room for its
// rows once, where a statement for each row does so again and again.

#include "packedrows.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

// What is used of SQLite's C interface, as https://www.sqlite.org/c3ref/module.html,
// vtab.html, vtab_cursor.html and index_info.html define it. The driver's package compiles it in, and the last link finds
// it there. Until then the functions are weak: cgo links each package alone first, and what is weak may be missing.
typedef struct sqlite3 sqlite3;
typedef struct sqlite3_value sqlite3_value;
typedef struct sqlite3_context sqlite3_context;
typedef struct sqlite3_vtab sqlite3_vtab;
typedef struct sqlite3_vtab_cursor sqlite3_vtab_cursor;
typedef struct sqlite3_index_info sqlite3_index_info;
typedef struct sqlite3_module sqlite3_module;

struct sqlite3_module {
	int version;
	int (*create)(sqlite3 *, void *, int, const char *const *, sqlite3_vtab **, char **);
	int (*connect)(sqlite3 *, void *, int, const char *const *, sqlite3_vtab **, char **);
	int (*best_index)(sqlite3_vtab *, sqlite3_index_info *);
	int (*disconnect)(sqlite3_vtab *);
	int (*destroy)(sqlite3_vtab *);
	int (*open)(sqlite3_vtab *, sqlite3_vtab_cursor **);
	int (*close)(sqlite3_vtab_cursor *);
	int (*filter)(sqlite3_vtab_cursor *, int, const char *, int, sqlite3_value **);
	int (*next)(sqlite3_vtab_cursor *);
	int (*eof)(sqlite3_vtab_cursor *);
	int (*column)(sqlite3_vtab_cursor *, sqlite3_context *, int);
	int (*rowid)(sqlite3_vtab_cursor *, long long *);
	void *not_used[7]; // what changes a table, and transactions
};

struct sqlite3_vtab {
	const sqlite3_module *module;
	int references;
	char *message;
};

struct sqlite3_vtab_cursor {
	sqlite3_vtab *table;
};

struct sqlite3_index_info {
	int constraints;
	struct {
		int column;
		unsigned char op;
		unsigned char usable;
		int term_offset;
	} *constraint;
	int orders;
	void *order;
	struct {
		int argument;
		unsigned char omit;
	} *usage;
	int index_number;
	char *index_string;
	int free_index_string;
	int order_consumed;
	double cost;
	// More follows that is not used here.
};

enum { SQLITE_OK = 0, SQLITE_NOMEM = 7, SQLITE_CONSTRAINT = 19, SQLITE_CORRUPT_VTAB = 11 | 1 << 8 };
enum { SQLITE_INDEX_CONSTRAINT_EQ = 2, SQLITE_VTAB_DIRECTONLY = 3 };

#define WEAK __attribute__((weak))
WEAK int sqlite3_auto_extension(void (*entry)(void));
WEAK int sqlite3_create_module_v2(sqlite3 *, const char *name, const sqlite3_module *, void *app, void (*destroy)(void *));
WEAK int sqlite3_declare_vtab(sqlite3 *, const char *sql);
WEAK int sqlite3_vtab_config(sqlite3 *, int option, ...);
WEAK const void *sqlite3_value_blob(sqlite3_value *);
WEAK int sqlite3_value_bytes(sqlite3_value *);
WEAK void sqlite3_result_null(sqlite3_context *);
WEAK void sqlite3_result_int64(sqlite3_context *, long long);
WEAK void sqlite3_result_text(sqlite3_context *, const char *, int bytes, void (*destroy)(void *));

// Rows are packed one after another as Rows in packedrows.go writes them: first four bytes, the
// number of columns of all rows; then for each value a byte that says what follows, and
// eight bytes of an integer or four bytes of a length and the text, in the machine's own
// byte order. What runs past the end is refused.
enum { PACKED_NULL = 0, PACKED_INTEGER = 1, PACKED_TEXT = 2 };
enum { MOST_COLUMNS = 48, ROWS_COLUMN = MOST_COLUMNS };

// packed_cursor stands on a row: values are where those of its columns begin.
typedef struct {
	sqlite3_vtab_cursor base;
	const unsigned char *at, *end;
	const unsigned char *values[MOST_COLUMNS];
	uint32_t columns;
	long long row;
	int done;
} packed_cursor;

static int packed_connect(sqlite3 *db, void *app, int arguments, const char *const *argument, sqlite3_vtab **table, char **message) {
	(void)app, (void)arguments, (void)argument, (void)message;
	int code = sqlite3_declare_vtab(db, "CREATE TABLE x(c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, c15, c16, "
		"c17, c18, c19, c20, c21, c22, c23, c24, c25, c26, c27, c28, c29, c30, c31, c32, c33, c34, c35, c36, c37, "
		"c38, c39, c40, c41, c42, c43, c44, c45, c46, c47, c48, rows HIDDEN)");
	if (code != SQLITE_OK) {
		return code;
	}
	// No trigger or view of a file that someone else made can use it.
	sqlite3_vtab_config(db, SQLITE_VTAB_DIRECTONLY);
	*table = calloc(1, sizeof **table);
	return *table == NULL ? SQLITE_NOMEM : SQLITE_OK;
}

static int packed_disconnect(sqlite3_vtab *table) {
	free(table);
	return SQLITE_OK;
}

// packed_best_index takes the rows as the one argument: without them there is no way.
static int packed_best_index(sqlite3_vtab *table, sqlite3_index_info *info) {
	(void)table;
	for (int i = 0; i < info->constraints; i++) {
		if (info->constraint[i].column == ROWS_COLUMN && info->constraint[i].op == SQLITE_INDEX_CONSTRAINT_EQ && info->constraint[i].usable) {
			info->usage[i].argument = 1;
			info->usage[i].omit = 1;
			info->cost = 1;
			return SQLITE_OK;
		}
	}
	return SQLITE_CONSTRAINT;
}

static int packed_open(sqlite3_vtab *table, sqlite3_vtab_cursor **cursor) {
	(void)table;
	packed_cursor *c = calloc(1, sizeof *c);
	*cursor = &c->base;
	return c == NULL ? SQLITE_NOMEM : SQLITE_OK;
}

static int packed_close(sqlite3_vtab_cursor *cursor) {
	free(cursor);
	return SQLITE_OK;
}

// packed_next finds where the values of the next row begin.
static int packed_next(sqlite3_vtab_cursor *cursor) {
	packed_cursor *c = (packed_cursor *)cursor;
	const unsigned char *at = c->at;
	c->row++;
	if (at == c->end) {
		c->done = 1;
		return SQLITE_OK;
	}
	for (uint32_t i = 0; i < c->columns; i++) {
		ptrdiff_t left = c->end - at;
		ptrdiff_t size = 1;
		if (left < 1) {
			return SQLITE_CORRUPT_VTAB;
		}
		if (*at == PACKED_INTEGER) {
			size += 8;
		} else if (*at == PACKED_TEXT) {
			uint32_t length;
			if (left < 5) {
				return SQLITE_CORRUPT_VTAB;
			}
			memcpy(&length, at + 1, sizeof length);
			size += 4 + (ptrdiff_t)length;
		}
		if (left < size) {
			return SQLITE_CORRUPT_VTAB;
		}
		c->values[i] = at;
		at += size;
	}
	c->at = at;
	return SQLITE_OK;
}

static int packed_filter(sqlite3_vtab_cursor *cursor, int number, const char *string, int arguments, sqlite3_value **argument) {
	(void)number, (void)string, (void)arguments;
	packed_cursor *c = (packed_cursor *)cursor;
	c->at = sqlite3_value_blob(argument[0]); // the parameter itself, which outlives the run
	c->end = c->at + sqlite3_value_bytes(argument[0]);
	c->row = 0;
	c->done = 0;
	if (c->end - c->at < (ptrdiff_t)sizeof c->columns) {
		return SQLITE_CORRUPT_VTAB;
	}
	memcpy(&c->columns, c->at, sizeof c->columns);
	c->at += sizeof c->columns;
	if (c->columns < 1 || c->columns > MOST_COLUMNS) {
		return SQLITE_CORRUPT_VTAB;
	}
	return packed_next(cursor);
}

static int packed_eof(sqlite3_vtab_cursor *cursor) { return ((packed_cursor *)cursor)->done; }

static int packed_column(sqlite3_vtab_cursor *cursor, sqlite3_context *context, int column) {
	packed_cursor *c = (packed_cursor *)cursor;
	const unsigned char *at = column < (int)c->columns ? c->values[column] : NULL;
	if (at == NULL || *at == PACKED_NULL) {
		sqlite3_result_null(context);
	} else if (*at == PACKED_INTEGER) {
		int64_t value;
		memcpy(&value, at + 1, sizeof value);
		sqlite3_result_int64(context, value);
	} else {
		uint32_t length;
		memcpy(&length, at + 1, sizeof length);
		sqlite3_result_text(context, (const char *)at + 5, (int)length, NULL);
	}
	return SQLITE_OK;
}

static int packed_rowid(sqlite3_vtab_cursor *cursor, long long *row) {
	*row = ((packed_cursor *)cursor)->row;
	return SQLITE_OK;
}

static int add_packed_rows(sqlite3 *db, char **message, const void *routines) {
	(void)message, (void)routines;
	static const sqlite3_module module = {
		.connect = packed_connect, .best_index = packed_best_index, .disconnect = packed_disconnect, .open = packed_open, .close = packed_close,
		.filter = packed_filter, .next = packed_next, .eof = packed_eof, .column = packed_column, .rowid = packed_rowid,
	};
	return sqlite3_create_module_v2(db, "packed_rows", &module, NULL, NULL);
}

// linked tells whether every function that is used here was found.
static int linked(void) {
	return sqlite3_auto_extension && sqlite3_create_module_v2 && sqlite3_declare_vtab && sqlite3_vtab_config && sqlite3_value_blob &&
		sqlite3_value_bytes && sqlite3_result_null && sqlite3_result_int64 && sqlite3_result_text;
}

int alwrity_register_packed_rows(void) {
	return linked() ? sqlite3_auto_extension((void (*)(void))add_packed_rows) : NOT_LINKED;
}
