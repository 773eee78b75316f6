// alwrity_register_packed_rows gives every SQLite connection that is opened from now on
// the table-valued function packed_rows. It may be called again. It returns a result code
// of SQLite, or NOT_LINKED where the program has no SQLite in it.
int alwrity_register_packed_rows(void);

enum { NOT_LINKED = -1 };
