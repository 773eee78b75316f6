package report

// listOf turns every item into its view; the result is never nil, so that no
// item at all is [] in JSON.
func listOf[T, V any](items []T, view func(T) V) []V {
	views := make([]V, len(items))
	for i, item := range items {
		views[i] = view(item)
	}
	return views
}

// listDocument is a document of a list: an array in JSON, an item a line in
// JSON lines.
func listDocument[V any](views []V, grid Grid, text func(*Text) error) Document {
	return Document{JSON: views, Lines: listOf(views, func(v V) any { return v }), CSV: grid, Text: text}
}

// orNull is null in JSON for a text that is empty.
func orNull[S ~string](s S) *string {
	if s == "" {
		return nil
	}
	text := string(s)
	return &text
}
