// The SQL function each_row(statement, rows), which runs a statement once for each of
// many rows. It costs one call from Go for thousands of rows, where binding their values
// from Go costs one call for each value: that takes longer than SQLite's own work.

#include "sqlite_each.h"

#include <stdint.h>
#include <string.h>

// What is used of SQLite's C interface, which the driver compiles in. The values are
// those of https://www.sqlite.org/c3ref/c_abort.html and c_deterministic.html.
typedef struct sqlite3 sqlite3;
typedef struct sqlite3_stmt sqlite3_stmt;
typedef struct sqlite3_value sqlite3_value;
typedef struct sqlite3_context sqlite3_context;

enum { SQLITE_OK = 0, SQLITE_ROW = 100, SQLITE_DONE = 101, SQLITE_UTF8 = 1, SQLITE_DIRECTONLY = 0x80000 };

int sqlite3_auto_extension(void (*entry)(void));
int sqlite3_create_function_v2(sqlite3 *, const char *name, int arguments, int flags, void *app,
	void (*function)(sqlite3_context *, int, sqlite3_value **),
	void (*step)(sqlite3_context *, int, sqlite3_value **), void (*final)(sqlite3_context *), void (*destroy)(void *));
sqlite3 *sqlite3_context_db_handle(sqlite3_context *);
int sqlite3_prepare_v2(sqlite3 *, const char *sql, int bytes, sqlite3_stmt **, const char **tail);
int sqlite3_bind_parameter_count(sqlite3_stmt *);
int sqlite3_bind_null(sqlite3_stmt *, int);
int sqlite3_bind_int64(sqlite3_stmt *, int, long long);
int sqlite3_bind_text(sqlite3_stmt *, int, const char *, int bytes, void (*destroy)(void *));
int sqlite3_step(sqlite3_stmt *);
int sqlite3_reset(sqlite3_stmt *);
int sqlite3_finalize(sqlite3_stmt *);
long long sqlite3_changes64(sqlite3 *);
int sqlite3_extended_errcode(sqlite3 *);
const char *sqlite3_errmsg(sqlite3 *);
const unsigned char *sqlite3_value_text(sqlite3_value *);
const void *sqlite3_value_blob(sqlite3_value *);
int sqlite3_value_bytes(sqlite3_value *);
void sqlite3_result_int64(sqlite3_context *, long long);
void sqlite3_result_error(sqlite3_context *, const char *, int bytes);
void sqlite3_result_error_code(sqlite3_context *, int code);

// Values are packed one after another as packedRows writes them: a byte that says what
// follows, then eight bytes of an integer or four bytes of a length and the text, in the
// machine's own byte order. A length that runs past the end is refused.
enum { ROWS_DO_NOT_FIT = -1 }; // no code of SQLite, which are positive

enum { PACKED_NULL = 0, PACKED_INTEGER = 1, PACKED_TEXT = 2 };

// bind_next binds the next packed value and returns where the one after it begins, or
// NULL where the rows end too early. The text stays in place: the rows outlive the step.
static const unsigned char *bind_next(sqlite3_stmt *statement, int parameter, const unsigned char *at, const unsigned char *end) {
	if (at == end) {
		return NULL;
	}
	switch (*at++) {
	case PACKED_NULL:
		sqlite3_bind_null(statement, parameter);
		return at;
	case PACKED_INTEGER: {
		int64_t value;
		if (end - at < (int)sizeof value) {
			return NULL;
		}
		memcpy(&value, at, sizeof value);
		sqlite3_bind_int64(statement, parameter, value);
		return at + sizeof value;
	}
	case PACKED_TEXT: {
		uint32_t length;
		if (end - at < (int)sizeof length) {
			return NULL;
		}
		memcpy(&length, at, sizeof length);
		at += sizeof length;
		if (length > (size_t)(end - at)) {
			return NULL;
		}
		sqlite3_bind_text(statement, parameter, (const char *)at, (int)length, NULL);
		return at + length;
	}
	}
	return NULL;
}

// run_rows runs the statement for each row and adds up how many rows it changed.
static int run_rows(sqlite3 *db, sqlite3_stmt *statement, const unsigned char *at, const unsigned char *end, long long *changed) {
	int parameters = sqlite3_bind_parameter_count(statement);
	while (at != end) {
		for (int i = 1; i <= parameters; i++) {
			at = bind_next(statement, i, at, end);
			if (at == NULL) {
				return ROWS_DO_NOT_FIT;
			}
		}
		int code = sqlite3_step(statement);
		if (code != SQLITE_DONE && code != SQLITE_ROW) {
			return code;
		}
		*changed += sqlite3_changes64(db);
		code = sqlite3_reset(statement);
		if (code != SQLITE_OK) {
			return code;
		}
	}
	return SQLITE_OK;
}

static void each_row(sqlite3_context *context, int arguments, sqlite3_value **values) {
	(void)arguments;
	sqlite3 *db = sqlite3_context_db_handle(context);
	sqlite3_stmt *statement = NULL;
	long long changed = 0;
	int code = sqlite3_prepare_v2(db, (const char *)sqlite3_value_text(values[0]), -1, &statement, NULL);
	if (code == SQLITE_OK) {
		const unsigned char *rows = sqlite3_value_blob(values[1]);
		code = run_rows(db, statement, rows, rows + sqlite3_value_bytes(values[1]), &changed);
	}
	if (code == ROWS_DO_NOT_FIT) {
		sqlite3_result_error(context, "each_row: the rows do not fit the statement", -1);
	} else if (code != SQLITE_OK) {
		int extended = sqlite3_extended_errcode(db);
		sqlite3_result_error(context, sqlite3_errmsg(db), -1);
		sqlite3_result_error_code(context, extended);
	} else {
		sqlite3_result_int64(context, changed);
	}
	sqlite3_finalize(statement);
}

static int add_each_row(sqlite3 *db, char **message, const void *routines) {
	(void)message;
	(void)routines;
	// Direct only: no trigger or view of a file that someone else made can call it.
	return sqlite3_create_function_v2(db, "each_row", 2, SQLITE_UTF8 | SQLITE_DIRECTONLY, NULL, each_row, NULL, NULL, NULL);
}

int alwrity_register_each_row(void) { return sqlite3_auto_extension((void (*)(void))add_each_row); }
