package report

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// value is what a field holds, as each format writes it.
type value struct {
	json   any // nil is null
	csv    string
	object fields // has columns of its own in CSV
	of     any    // a person reads its usual text
	text   *span  // instead of that; nil for none
	kind   columnKind

	noJSON, noCSV bool // it is not there
	offered       bool // it is part of what a plan offers, which everyone is told
}

// name is a text that a table may cut: what users, models and the like are called.
type name string

// id is a number that names something: without thousands separators.
type id int64

// moment is a time as scripts read it: RFC 3339 in UTC, as many decimals of a second as it
// needs; the zero time is nothing, or null.
type moment time.Time

// measure is an amount of what a limit counts. In JSON calls and tokens are numbers, and
// dollars a decimal string like all money.
type measure struct {
	meter  plan.Meter
	amount int64
}

// valueOf says how a Go value is written. Texts may come from anyone: in CSV they are kept
// from running as a formula, and usage.UnprotectCell gives them back.
func valueOf(v any) value {
	switch v := v.(type) {
	case value:
		return v
	case string:
		return value{json: v, csv: usage.ProtectCell(v), of: v}
	case name:
		return value{json: string(v), csv: usage.ProtectCell(string(v)), of: string(v), kind: names}
	case int:
		return valueOf(int64(v))
	case int64:
		return value{json: v, csv: strconv.FormatInt(v, 10), of: v, kind: number}
	case id:
		return value{json: int64(v), csv: strconv.FormatInt(int64(v), 10), of: v, kind: number}
	case json.Number:
		return value{json: v, csv: string(v), of: string(v), kind: number}
	case pricing.Thousandths:
		return valueOf(json.Number(v.String()))
	case pricing.USD:
		return value{json: v, csv: v.String(), of: v, kind: money}
	case pricing.Total:
		return value{json: v, csv: v.String(), of: v, kind: money}
	case measure:
		of := value{json: v.amount, csv: strconv.FormatInt(v.amount, 10), of: v, kind: number}
		if v.meter == plan.Cost {
			of.json, of.csv = pricing.USD(v.amount), pricing.USD(v.amount).String()
		}
		return of
	case bool:
		return value{json: v, csv: strconv.FormatBool(v)}
	case time.Time:
		return value{json: moment(v), csv: moment(v).String(), of: v}
	case plan.Period:
		object := fields{{"start", "", v.Start}, {"end", "", v.End}}
		return value{json: object, object: object, of: v}
	case []string:
		return joined(v, " ")
	case fields:
		return value{json: v, object: v}
	case []fields, rows:
		return value{json: v, noCSV: true}
	case fmt.Stringer:
		return value{json: v, csv: v.String(), of: v.String()}
	}
	of := reflect.ValueOf(v)
	if of.Kind() != reflect.String {
		return value{json: v, noCSV: true}
	}
	return value{json: v, csv: usage.ProtectCell(of.String()), of: of.String()}
}

// span is what a person reads.
func (v value) span() span {
	if v.text != nil {
		return *v.text
	}
	switch of := v.of.(type) {
	case string:
		return text(of)
	case int64:
		return text(Count(of))
	case id:
		return text(v.csv)
	case pricing.USD:
		return text(of.Display())
	case pricing.Total:
		return text(of.Display())
	case measure:
		return text(Amount(of.meter, of.amount))
	case time.Time:
		return text(Time(of))
	case plan.Period:
		return text(Period(of))
	case []string:
		return text(strings.Join(of, ", "))
	}
	return span{}
}

// shown is a value that a person reads otherwise.
func shown(v any, as span) value {
	of := valueOf(v)
	of.text = &as
	return of
}

// shownAs is a value that a person reads otherwise, in a column of another kind.
func shownAs(kind columnKind, v any, as span) value {
	of := shown(v, as)
	of.kind = kind
	return of
}

// styled is a word that a person reads in a style of its own; plain where it has none.
func styled[T ~string](word T, styles map[T]style) value {
	return shown(word, styles[word].of(string(word)))
}

// orNull is a value that is null in JSON, nothing in CSV and a dash for a person where it is the zero value.
func orNull(v any) value {
	of := valueOf(v)
	p, isPeriod := v.(plan.Period)
	if reflect.ValueOf(v).IsZero() || isPeriod && p.Start.IsZero() {
		dash := dim.of(Dash)
		of.json, of.csv, of.text = nil, "", &dash
	}
	return of
}

// nullUnless is a value that is null in JSON and nothing elsewhere unless it is there.
func nullUnless(there bool, v any) value {
	of := valueOf(v)
	if !there {
		of.json, of.csv, of.text = nil, "", &span{}
	}
	return of
}

// orDash is a text for which a person reads a dash where it is empty.
func orDash(v any) value {
	if of := valueOf(v); of.span().text != "" {
		return of
	}
	return shown(v, dim.of(Dash))
}

// orAbsent is a value that is not in JSON where it is the zero value.
func orAbsent(v any) value {
	of := valueOf(v)
	of.noJSON = reflect.ValueOf(of.json).IsZero()
	return of
}

// jsonOnly is a value that is not in CSV, csvOnly one that is not in JSON, and peopleOnly one that is in neither.
func jsonOnly(v any) value {
	of := valueOf(v)
	of.noCSV = true
	return of
}

func csvOnly(v any) value {
	of := valueOf(v)
	of.noJSON = true
	return of
}

func peopleOnly(v any) value { return jsonOnly(csvOnly(v)) }

// counted is a list in JSON, and its length in CSV.
func counted[T any](list []T) value {
	return value{json: append([]T{}, list...), csv: strconv.Itoa(len(list))}
}

// joined is a list of texts in JSON, and one text in CSV.
func joined(texts []string, between string) value {
	return value{json: append([]string{}, texts...), csv: usage.ProtectCell(strings.Join(texts, between)), of: texts}
}

// day is a time of which a person reads the day.
func day(t time.Time) value { return shown(t, text(t.UTC().Format(time.DateOnly))) }

// flagged is a number that stands out where it is not 0.
func flagged[N int | int64](n N, s style) value {
	if n == 0 {
		s = plain
	}
	return shown(n, s.of(Count(int64(n))))
}

// maximum is what a limit allows, null where it is unlimited.
func maximum(l plan.Limit) value {
	most := text(Maximum(l))
	if l.Unlimited || l.Max == 0 {
		most.style = dim
	}
	return shown(nullUnless(!l.Unlimited, measure{l.Meter, l.Max}), most)
}

// offered is what a plan offers: see Document.WithoutCost.
func offered(v value) value {
	v.offered = true
	return v
}

// percent is how much of a limit is used with one decimal, rounded down; null where there
// are no percentages. It is text all the way, so that no digit is lost to floating point.
func percent(u usage.LimitUse) value {
	perMille, ok := u.PerMille()
	if !ok {
		return orNull(json.Number(""))
	}
	return valueOf(json.Number(fmt.Sprintf("%d.%d", perMille/10, perMille%10)))
}

// String returns the time as it stands in CSV.
func (m moment) String() string {
	if time.Time(m).IsZero() {
		return ""
	}
	return time.Time(m).UTC().Format("2006-01-02T15:04:05.999999Z07:00")
}

// MarshalJSON writes the time, or null.
func (m moment) MarshalJSON() ([]byte, error) {
	if time.Time(m).IsZero() {
		return []byte("null"), nil
	}
	return []byte(`"` + m.String() + `"`), nil
}
