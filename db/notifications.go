package db

import (
	"context"
	"encoding/json"

	"github.com/alwrity/alwrity-sub/usage"
)

// AddNotifications implements usage.Tx.
func (t *tx) AddNotifications(ctx context.Context, notifications []usage.Notification) error {
	data := make([]string, len(notifications))
	for i, n := range notifications {
		text, err := json.Marshal(n.Data) // with sorted keys
		if err != nil {
			return err
		}
		data[i] = string(text)
	}
	return t.writeRows(ctx, newRows("outbox", "message_key, kind, user_id, data, created_at",
		" ON CONFLICT (message_key) DO NOTHING", len(notifications), func(to sink, i int) {
			n := &notifications[i]
			to.text(n.Key)
			to.text(string(n.Kind))
			to.text(n.UserID)
			to.text(data[i])
			to.moment(n.At.UnixMicro())
		}))
}
