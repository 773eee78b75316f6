package access

import (
	"context"
	"time"

	"github.com/alwrity/alwrity-sub/usage"
)

// Store is what access needs of a database.
type Store interface {
	// TokenOf returns the token with a secret of this public part, and that secret; found is false where there is none.
	// It costs one query either way.
	TokenOf(ctx context.Context, public string) (t Token, s Secret, found bool, err error)
	// Tokens returns tokens, newest first.
	Tokens(ctx context.Context, q TokenQuery) ([]Token, error)
	// AddToken adds a token with its secret, and returns its id. userKnown tells whether its user was there before.
	AddToken(ctx context.Context, audit usage.Audit, t Token, s Secret) (id int64, userKnown bool, err error)
	// ChangeToken lets fn decide what becomes of a token, of which nobody else changes anything meanwhile. A token that
	// does not exist is a not_found failure.
	ChangeToken(ctx context.Context, audit usage.Audit, id int64, fn func(Token) (TokenChange, error)) error
	// TouchTokens notes when tokens were used last, by id, unless something later is there.
	TouchTokens(ctx context.Context, used map[int64]time.Time) error

	// AddSession adds a session by the hash of its secret, and removes those that have ended.
	AddSession(ctx context.Context, hash string, session Session) error
	// SessionOf returns the session of a secret with this hash, unless its token was revoked.
	SessionOf(ctx context.Context, hash string) (session Session, found bool, err error)
	// RemoveSession removes a session, if it is there.
	RemoveSession(ctx context.Context, hash string) error
	// AddLink adds a link by the hash of its secret, and removes those that have ended.
	AddLink(ctx context.Context, audit usage.Audit, hash string, who Identity, expiresAt time.Time) error
	// TakeLink removes the link of a secret with this hash and returns whose it is, to one caller alone.
	TakeLink(ctx context.Context, hash string) (who Identity, expiresAt time.Time, found bool, err error)

	// Watch calls changed with true once it hears of changes, and after every change of a token, a session or the
	// catalogue, whoever made it; with false when changes can't be heard of. It returns when ctx is done.
	Watch(ctx context.Context, changed func(live bool)) error
}

// TokenQuery selects a page of tokens.
type TokenQuery struct {
	User    string // "" for all
	Name    string // what people call it; "" for all
	Before  int64  // the id of the last token of the page before; 0: the first page
	Limit   int
	Revoked bool // those too that were revoked
}

// TokenChange is what becomes of a token.
type TokenChange struct {
	RevokedAt time.Time // zero: as it was
	Terms     *Terms    // its limits and rates; nil: as they were
	Add       *Secret   // one more secret
	KeepUntil time.Time // with it: until when the secrets before it are valid, if they are that long
}
