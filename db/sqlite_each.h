// alwrity_register_each_row gives every SQLite connection that is opened from now on the
// function each_row. It may be called again. It returns a result code of SQLite.
int alwrity_register_each_row(void);
