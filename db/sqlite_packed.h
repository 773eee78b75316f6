// alwrity_register_packed_rows gives every SQLite connection that is opened from now on
// the table-valued function packed_rows. It may be called again. It returns a result code
// of SQLite.
int alwrity_register_packed_rows(void);
