package usage

import (
	"bytes"
	"cmp"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
)

// convert returns what a text says in the form that its field is read in; nothing where it says nothing.
func convert(c *column, text []byte) ([]byte, error) {
	switch c.How {
	case inSeconds:
		milliseconds, err := secondsToMS(string(text))
		return []byte(milliseconds), err
	case inMS:
		return wholeMS(c.name, text)
	case anyTime:
		return timeText(c.name, text)
	case asMoney:
		return roundMoney(c.name, text)
	case asTier:
		return []byte(pricing.NormaliseTier(string(text))), nil
	case inBatch:
		return []byte("batch"), nil
	case fromCache:
		if word := strings.ToLower(string(text)); strings.Trim(word, "0-") != "" && word != "false" && word != "none" {
			return nil, failure.Invalidf("%s is %q: the answer came out of a cache, and the provider was not asked", c.name,
				failure.Shorten(string(text)))
		}
	case asKind:
		if slices.Contains(streamedKinds, string(text)) {
			return nil, failure.Invalidf("%s is %q: this is a part of a streamed answer, and no call", c.name, text)
		}
	case asCurrency:
		if !strings.EqualFold(string(text), "USD") {
			return nil, failure.Invalidf("%s is %q: what is imported is in USD", c.name, failure.Shorten(string(text)))
		}
	}
	return text, nil
}

// streamedKinds are what the parts of Anthropic's streamed answers say that they are: none has a call's whole usage.
var streamedKinds = []string{ // read-only
	"message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta", "message_stop",
	"ping",
}

// wholeMS rounds decimal milliseconds, half up.
func wholeMS(name string, text []byte) ([]byte, error) {
	amount, ok := decimal(strings.TrimSpace(string(text)))
	if !ok || amount.Sign() < 0 || len(text) > 40 {
		return nil, failure.Invalidf("%s is %q: it must be a number of milliseconds", name, failure.Shorten(string(text)))
	}
	return []byte(amount.FloatString(0)), nil
}

// decimal reads a decimal number, with an exponent of few digits if it has one.
func decimal(s string) (*big.Rat, bool) {
	mantissa, exponent, _ := strings.Cut(strings.ToLower(s), "e")
	if strings.Trim(mantissa, "+-.0123456789") != "" || len(exponent) > 3 {
		return nil, false // big.Rat reads fractions and other bases, too
	}
	return new(big.Rat).SetString(s)
}

// roundMoney returns an amount of dollars with at most the twelve decimals that we keep: as a floating-point number it
// may have more, which mean nothing.
func roundMoney(name string, text []byte) ([]byte, error) {
	cost, err := pricing.RoundReportedCost(string(text))
	if err != nil {
		return nil, failure.Invalidf("%s is %q: it must be an amount of US dollars", name, failure.Shorten(string(text)))
	}
	return []byte(cost.USD.String()), nil
}

// timeText returns a time as ParseTime reads it: seconds or milliseconds since 1970, which the number of digits tells,
// become one.
func timeText(name string, text []byte) ([]byte, error) {
	s := bytes.TrimSpace(text)
	whole, fraction, _ := bytes.Cut(s, []byte("."))
	if len(whole) < 9 || len(bytes.Trim(whole, "0123456789")) > 0 || len(bytes.Trim(fraction, "0123456789")) > 0 {
		return text, nil
	}
	n, err := strconv.ParseInt(string(whole), 10, 64)
	switch {
	case err == nil && len(whole) <= 10:
		at := time.Unix(n, 0)
		if len(fraction) > 0 {
			micros, _ := strconv.ParseInt((string(fraction) + "000000")[:6], 10, 64) // they are digits
			at = at.Add(time.Duration(micros) * time.Microsecond)
		}
		return at.UTC().AppendFormat(nil, time.RFC3339Nano), nil
	case err == nil && len(whole) == 13:
		return time.UnixMilli(n).UTC().AppendFormat(nil, time.RFC3339Nano), nil
	case err == nil && len(whole) == 16 && len(fraction) == 0:
		return time.UnixMicro(n).UTC().AppendFormat(nil, time.RFC3339Nano), nil
	}
	return nil, failure.Invalidf("%s is %q: it must be a time, or seconds or milliseconds since 1970", name,
		failure.Shorten(string(text)))
}

// noteOutcome notes whether a call failed.
func (r *eventReader) noteOutcome(c *column, text []byte) error {
	word := strings.ToLower(strings.TrimSpace(string(text)))
	failed, done, known := false, false, true
	switch c.How {
	case asStatus:
		if code, err := strconv.ParseUint(word, 10, 64); err == nil && len(word) == 3 {
			return r.setStatusCode(int(code))
		}
		failed, done, known = outcomeOf(word)
	case asSuccess, asFailed:
		yes, err := parseBool(c.name, text)
		if err != nil {
			return err
		}
		done = yes == (c.How == asSuccess)
		failed = !done
	case asLevel:
		failed = word == "error"
	default: // asFailure
		failed = word != "" && word != "none" && word != "null" && word != "0" && word != "false"
		if failed && c.field != nil && r.given[c.number] == nil {
			if err := r.setField(c, text); err != nil {
				return err
			}
		}
	}
	switch {
	case !known:
		return failure.Invalidf("%s is %q: it must say success or failure, or an HTTP status", c.name,
			failure.Shorten(string(text)))
	case failed:
		r.failed = c.name
	case done:
		r.done = c.name
	}
	return nil
}

// outcomeOf tells what a word says of a call.
func outcomeOf(word string) (failed, done, known bool) {
	switch word {
	case "success", "successful", "succeeded", "ok", "complete", "completed", "done", "finished",
		"incomplete": // cut off at the most tokens that were asked for, which are charged
		return false, true, true
	case "failure", "failed", "fail", "error", "errored", "expired":
		return true, false, true
	}
	return false, false, false
}

func (r *eventReader) setStatusCode(code int) error {
	return r.setField(statusColumn, strconv.AppendInt(nil, int64(code), 10))
}

var statusColumn = fieldColumn("status_code") // read-only

// failedStatus is the status of a call of which is only known that it failed.
const failedStatus = 500

// setOutcome gives a failed call a status that says so. What contradicts itself is an invalid failure.
func (r *eventReader) setOutcome() error {
	if r.failed == "" && r.done == "" {
		return nil
	}
	coded := r.given[statusColumn.number] != nil
	says := func(what string) error {
		return failure.Invalidf("%s says that the call %s, and the status is %d", cmp.Or(r.failed, r.done), what,
			r.row.StatusCode)
	}
	switch {
	case r.failed != "" && r.done != "":
		return failure.Invalidf("%s says that the call failed, and %s that it did not", r.failed, r.done)
	case r.failed != "" && coded && !r.row.Failed():
		return says("failed")
	case r.done != "" && coded && r.row.Failed():
		return says("did not fail")
	case r.failed != "" && !coded:
		return r.setStatusCode(failedStatus)
	}
	return nil
}
