package db

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/alwrity/alwrity-sub/db/encode"
	"github.com/alwrity/alwrity-sub/db/packedrows"
	"github.com/alwrity/alwrity-sub/usage"
)

// readEntriesSQLite reads the events of some ids. Others may come with them that have the same keys.
func readEntriesSQLite(ctx context.Context, t *tx, ids []string, scan func(row scanner) error) error {
	if len(ids) == 1 {
		return t.query(ctx, scan, "SELECT "+entryColumns+" FROM api_usage_logs WHERE event_key = $1", eventKey(ids[0]))
	}
	keys := make([]int64, len(ids))
	for i, id := range ids {
		keys[i] = eventKey(id)
	}
	slices.Sort(keys) // in their order in the index
	packed := t.buffers.take()
	defer t.buffers.giveBack(packed)
	packed.Reset(1)
	for _, key := range slices.Compact(keys) {
		packed.Integer(key)
	}
	return t.query(ctx, scan, "SELECT "+prefixed("l", entryColumns)+" FROM ("+packedrows.Source(1)+`) k
		CROSS JOIN api_usage_logs l ON l.event_key = k.c1`, packed.Bytes())
}

// insertEntriesSQLite adds log rows. Their ids were looked for before, in this transaction: nobody else can have taken
// them.
func insertEntriesSQLite(ctx context.Context, t *tx, entries []usage.Entry) error {
	verb := "INSERT"
	if len(entries) >= fewRows {
		// After an error the transaction is rolled back, so SQLite need not be able to undo this statement alone, for
		// which it would keep what each page held before.
		verb = "INSERT OR FAIL"
	}
	name, columns, put := logColumns(entries)
	return t.writeRows(ctx, rowsInto{name: name, insert: func(source string) string {
		return verb + " INTO api_usage_logs (event_key, " + columns + ") " + source
	}, rows: len(entries), put: func(to encode.Sink, n int) {
		to.Integer(eventKey(entries[n].ID))
		put(to, n)
	}})
}

// eventKey returns six bytes by which SQLite finds an event id. Of a UUID of version
// 7, which begins with its time, they are 28 bits of the time in steps of about a
// second and 20 bits of a hash, so that neighbours in time are neighbours in the
// index; of any other id 48 bits of the hash. Two ids may have one key.
//
// The keys are stored: what this function returns for an id must never change.
func eventKey(id string) int64 {
	var room [64]byte // for nearly all ids
	sum := sha256.Sum256(append(room[:0], id...))
	hash := int64(binary.BigEndian.Uint64(sum[:]) >> 16)
	if ms, ok := timeOfUUID7(id); ok {
		return (ms>>10&(1<<28-1))<<20 | hash&(1<<20-1)
	}
	return hash
}

// timeOfUUID7 returns the milliseconds since 1970 with which a UUID of version 7
// begins (RFC 9562, section 5.7), as its usual text of 36 characters.
func timeOfUUID7(id string) (int64, bool) {
	if len(id) != 36 || id[8] != '-' || id[13] != '-' || id[14] != '7' || id[18] != '-' || id[23] != '-' ||
		!strings.ContainsRune("89abAB", rune(id[19])) {
		return 0, false
	}
	var first [6]byte
	if _, err := hex.Decode(first[:], []byte(id[:8]+id[9:13])); err != nil {
		return 0, false
	}
	ms := int64(0)
	for _, b := range first {
		ms = ms<<8 | int64(b)
	}
	return ms, true
}
