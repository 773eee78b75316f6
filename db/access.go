package db

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/access"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/usage"
)

// apiTokenColumns are the columns of a token t; its public part is that of its newest secret, which alone has no end.
const apiTokenColumns = `t.token_id, (SELECT n.public_part FROM api_token_secrets n
		WHERE n.token_id = t.token_id AND n.valid_until IS NULL),
	t.name, t.user_id, t.act_as, t.scopes, t.providers, t.models, t.created_at, t.expires_at, t.revoked_at, t.last_used_at,
	t.limits, t.requests_per_minute, t.tokens_per_minute, t.parallel_calls`

func scanToken(row scanner) (t access.Token, err error) {
	var scopes string
	err = row.Scan(&t.ID, &t.Public, &t.Name, &t.User, &t.ActAs, &scopes, fromJSON{&t.Providers}, fromJSON{&t.Models},
		moment{&t.CreatedAt}, moment{&t.ExpiresAt}, moment{&t.RevokedAt}, moment{&t.LastUsedAt}, fromJSON{&t.Limits},
		reference{&t.Rates.RequestsPerMinute}, reference{&t.Rates.TokensPerMinute}, reference{&t.Rates.ParallelCalls})
	for scope := range strings.SplitSeq(scopes, ",") {
		t.Scopes = append(t.Scopes, access.Scope(scope))
	}
	return t, err
}

func scopesText(scopes []access.Scope) string {
	names := make([]string, len(scopes))
	for i, s := range scopes {
		names[i] = string(s)
	}
	return strings.Join(names, ",")
}

// TokenOf implements access.Store.
func (d *DB) TokenOf(ctx context.Context, public string) (t access.Token, s access.Secret, found bool, err error) {
	err = d.view(ctx, func(tx *tx) error {
		return tx.query(ctx, func(row scanner) (err error) {
			found = true
			t, err = scanToken(moreColumns{row, []any{&s.Public, &s.Hash, moment{&s.ValidUntil}}})
			return err
		}, "SELECT s.public_part, s.hash, s.valid_until, "+apiTokenColumns+` FROM api_token_secrets s
			JOIN api_tokens t ON t.token_id = s.token_id WHERE s.public_part = $1`, public)
	})
	return t, s, found, err
}

// Tokens implements access.Store.
func (d *DB) Tokens(ctx context.Context, q access.TokenQuery) ([]access.Token, error) {
	var where conditions
	where.equal("t.user_id", q.User)
	where.equal("t.name", q.Name)
	if q.Before != 0 {
		where.add("t.token_id < ?", q.Before)
	}
	if !q.Revoked {
		where.texts = append(where.texts, "t.revoked_at IS NULL")
	}
	query := "SELECT " + apiTokenColumns + " FROM api_tokens t" + where.sql() +
		" ORDER BY t.token_id DESC LIMIT " + where.bind(q.Limit)
	return inView(ctx, d, func(t *tx) ([]access.Token, error) {
		return selectRows(ctx, t, scanToken, query, where.args...)
	})
}

// AddToken implements access.Store.
func (d *DB) AddToken(
	ctx context.Context, audit usage.Audit, token access.Token, s access.Secret,
) (id int64, userKnown bool, err error) {
	err = d.update(ctx, func(t *tx) error {
		if userKnown, err = t.UserKnown(ctx, token.User); err != nil {
			return err
		}
		err = t.query(ctx, into(&id), `INSERT INTO api_tokens (name, user_id, act_as, scopes, providers, models, created_at,
				expires_at, `+tokenTermColumns+") VALUES "+valueList(1, 12)+" RETURNING token_id",
			append([]any{token.Name, token.User, token.ActAs, scopesText(token.Scopes),
				jsonText(token.Providers, len(token.Providers) == 0),
				jsonText(token.Models, len(token.Models) == 0), token.CreatedAt, token.ExpiresAt}, tokenTerms(token)...)...)
		if err != nil {
			return err
		}
		if err := t.addSecret(ctx, id, s, token.CreatedAt); err != nil {
			return err
		}
		return t.audit(ctx, audit, s.Public, nil, tokenState(token))
	})
	return id, userKnown, err
}

func (t *tx) addSecret(ctx context.Context, token int64, s access.Secret, at time.Time) error {
	return t.do(ctx, `INSERT INTO api_token_secrets (public_part, token_id, hash, created_at, valid_until)
		VALUES ($1, $2, $3, $4, $5)`, s.Public, token, s.Hash, at, s.ValidUntil)
}

// ChangeToken implements access.Store.
func (d *DB) ChangeToken(
	ctx context.Context, audit usage.Audit, id int64, fn func(access.Token) (access.TokenChange, error),
) error {
	return d.update(ctx, func(t *tx) error {
		before, err := t.lockToken(ctx, id)
		if err != nil {
			return err
		}
		change, err := fn(before)
		if err != nil {
			return err
		}
		after := before
		if !change.RevokedAt.IsZero() {
			after.RevokedAt = change.RevokedAt
			err = t.do(ctx, "UPDATE api_tokens SET revoked_at = $2 WHERE token_id = $1", id, change.RevokedAt)
		}
		if err == nil && change.Terms != nil {
			after.Limits, after.Rates = change.Terms.Limits, change.Terms.Rates
			err = t.do(ctx, "UPDATE api_tokens SET limits = $2, requests_per_minute = $3, tokens_per_minute = $4, "+
				"parallel_calls = $5 WHERE token_id = $1", append([]any{id}, tokenTerms(after)...)...)
		}
		if err == nil && change.Add != nil {
			after.Public = change.Add.Public
			err = t.rotate(ctx, id, change, audit.At)
		}
		if err != nil {
			return err
		}
		if err := t.audit(ctx, audit, before.Public, tokenState(before), tokenState(after)); err != nil {
			return err
		}
		if change.Terms != nil || change.Add != nil && before.IsBound() {
			return t.changeCatalogue(ctx) // who decides by what is known of it has to notice
		}
		return nil
	})
}

// tokenTermColumns are the columns of a token's limits and rates.
const tokenTermColumns = "limits, requests_per_minute, tokens_per_minute, parallel_calls"

func tokenTerms(t access.Token) []any {
	return []any{jsonText(t.Limits, len(t.Limits) == 0), nullID(t.Rates.RequestsPerMinute),
		nullID(t.Rates.TokensPerMinute), nullID(t.Rates.ParallelCalls)}
}

// lockToken returns a token that nobody else changes meanwhile.
func (t *tx) lockToken(ctx context.Context, id int64) (access.Token, error) {
	// Locked apart: whoever waited must read the secrets that the one before wrote.
	if err := t.do(ctx, "SELECT token_id FROM api_tokens WHERE token_id = $1"+t.lockRows(false), id); err != nil {
		return access.Token{}, err
	}
	found, err := selectRows(ctx, t, scanToken, "SELECT "+apiTokenColumns+" FROM api_tokens t WHERE t.token_id = $1", id)
	if err != nil {
		return access.Token{}, err
	}
	if len(found) == 0 {
		return access.Token{}, failure.NotFoundf("there is no token %d", id).WithReason("unknown_token")
	}
	return found[0], nil
}

func (t *tx) rotate(ctx context.Context, id int64, change access.TokenChange, at time.Time) error {
	err := t.do(ctx, `UPDATE api_token_secrets SET valid_until = $2
		WHERE token_id = $1 AND (valid_until IS NULL OR valid_until > $2)`, id, change.KeepUntil)
	if err != nil {
		return err
	}
	return t.addSecret(ctx, id, *change.Add, at)
}

// tokenState is what the audit log keeps of a token.
func tokenState(t access.Token) state {
	s := state{"public": t.Public, "name": t.Name, "user": t.User, "act_as": t.ActAs, "scopes": t.Scopes}
	if len(t.Providers)+len(t.Models) > 0 {
		s["providers"], s["models"] = t.Providers, t.Models
	}
	if len(t.Limits) > 0 {
		s["limits"] = t.Limits
	}
	for _, rate := range t.Rates.List() {
		if rate.Max > 0 {
			s[rate.Name] = rate.Max
		}
	}
	for name, at := range map[string]time.Time{"expires_at": t.ExpiresAt, "revoked_at": t.RevokedAt} {
		if !at.IsZero() {
			s[name] = at
		}
	}
	return s
}

// TouchTokens implements access.Store. Several processes do it at once: each takes the rows in the same order.
func (d *DB) TouchTokens(ctx context.Context, used map[int64]time.Time) error {
	ids := make([]int64, 0, len(used))
	for id := range used {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return d.update(ctx, func(t *tx) error {
		for _, id := range ids {
			err := t.do(ctx, `UPDATE api_tokens SET last_used_at = $2
				WHERE token_id = $1 AND (last_used_at IS NULL OR last_used_at < $2)`, id, used[id])
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// AddSession implements access.Store.
func (d *DB) AddSession(ctx context.Context, hash string, s access.Session) error {
	return d.update(ctx, func(t *tx) error {
		if err := t.removeExpired(ctx, "sessions", s.CreatedAt); err != nil {
			return err
		}
		var token any
		if s.Identity.TokenID != 0 {
			token = s.Identity.TokenID
		}
		return t.do(ctx, `INSERT INTO sessions (session_hash, identity, token_id, created_at, expires_at)
			VALUES ($1, $2, $3, $4, $5)`, hash, jsonText(s.Identity, false), token, s.CreatedAt, s.Identity.ExpiresAt)
	})
}

// removeExpired removes what has ended, if there is any: otherwise nobody is told of a change.
func (t *tx) removeExpired(ctx context.Context, table string, now time.Time) error {
	some := false
	err := t.query(ctx, into(&some), "SELECT EXISTS (SELECT 1 FROM "+table+" WHERE expires_at <= $1)", now)
	if err != nil || !some {
		return err
	}
	return t.do(ctx, "DELETE FROM "+table+" WHERE expires_at <= $1", now)
}

// SessionOf implements access.Store.
func (d *DB) SessionOf(ctx context.Context, hash string) (s access.Session, found bool, err error) {
	err = d.view(ctx, func(t *tx) error {
		return t.query(ctx, func(row scanner) error {
			found = true
			return row.Scan(fromJSON{&s.Identity}, moment{&s.CreatedAt}, moment{&s.Identity.ExpiresAt})
		}, `SELECT s.identity, s.created_at, s.expires_at FROM sessions s LEFT JOIN api_tokens t ON t.token_id = s.token_id
			WHERE s.session_hash = $1 AND t.revoked_at IS NULL`, hash)
	})
	return s, found, err
}

// RemoveSession implements access.Store.
func (d *DB) RemoveSession(ctx context.Context, hash string) error {
	return d.update(ctx, func(t *tx) error {
		return t.do(ctx, "DELETE FROM sessions WHERE session_hash = $1", hash)
	})
}

// AddLink implements access.Store.
func (d *DB) AddLink(
	ctx context.Context, audit usage.Audit, hash string, who access.Identity, expiresAt time.Time,
) error {
	return d.update(ctx, func(t *tx) error {
		if err := t.removeExpired(ctx, "sign_in_links", audit.At); err != nil {
			return err
		}
		err := t.do(ctx, `INSERT INTO sign_in_links (link_hash, identity, created_at, expires_at)
			VALUES ($1, $2, $3, $4)`, hash, jsonText(who, false), audit.At, expiresAt)
		if err != nil {
			return err
		}
		return t.audit(ctx, audit, who.Name, nil, state{"scopes": who.Scopes, "expires_at": expiresAt})
	})
}

// TakeLink implements access.Store.
func (d *DB) TakeLink(
	ctx context.Context, hash string,
) (who access.Identity, expiresAt time.Time, found bool, err error) {
	err = d.update(ctx, func(t *tx) error {
		who, expiresAt, found = access.Identity{}, time.Time{}, false
		return t.query(ctx, func(row scanner) error {
			found = true
			return row.Scan(fromJSON{&who}, moment{&expiresAt})
		}, "DELETE FROM sign_in_links WHERE link_hash = $1 RETURNING identity, expires_at", hash)
	})
	return who, expiresAt, found, err
}
