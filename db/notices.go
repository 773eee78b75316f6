package db

import (
	"context"
	"encoding/json"

	"github.com/alwrity/alwrity-sub/usage"
)

// AddNotices implements usage.Tx: a notice whose key is there already is left out.
func (t *tx) AddNotices(ctx context.Context, notices []usage.Notice) error {
	data := make([]string, len(notices))
	for i, n := range notices {
		text, err := json.Marshal(n.Data) // with its keys in their order
		if err != nil {
			return err
		}
		data[i] = string(text)
	}
	return t.writeRows(ctx, "outbox", func(source string) string {
		return "INSERT INTO outbox (message_key, kind, user_id, data, created_at) " + source + " ON CONFLICT (message_key) DO NOTHING"
	}, len(notices), func(to sink, i int) {
		n := &notices[i]
		to.text(n.Key)
		to.text(string(n.Kind))
		to.text(n.UserID)
		to.text(data[i])
		to.moment(n.At.UnixMicro())
	})
}
