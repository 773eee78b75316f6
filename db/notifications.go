package db

import (
	"context"

	"github.com/alwrity/alwrity-sub/db/encode"
	"github.com/alwrity/alwrity-sub/usage"
)

// AddNotifications implements usage.Tx.
func (t *tx) AddNotifications(ctx context.Context, notifications []usage.Notification) error {
	return t.writeRows(ctx, newRows("outbox", "message_key, kind, user_id, data, created_at",
		" ON CONFLICT (message_key) DO NOTHING", len(notifications), func(to encode.Sink, i int) {
			n := &notifications[i]
			putAll(to, n.Key, n.Kind, n.UserID, jsonText(n.Data, false), n.At) // with sorted keys
		}))
}
