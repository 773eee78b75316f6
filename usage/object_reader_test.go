package usage_test

import (
	"strings"
	"testing"

	"github.com/alwrity/alwrity-sub/usage"
)

func TestCloudEvents(t *testing.T) {
	r, err := usage.NewObjectReader()
	if err != nil {
		t.Fatal(err)
	}
	good := `{"specversion":"1.0","id":"7","source":"/chat","type":"call","subject":"ann","time":"2026-11-20T10:00:00Z",` +
		`"data":{"provider":"openai","model":"gpt-4o","usage":{"prompt_tokens":10,"completion_tokens":2}}}`
	event, err := r.CloudEvent([]byte(good))
	if err != nil || event.ID != "/chat|7" || event.UserID != "ann" || event.Time.Day() != 20 ||
		event.Quantities.Tokens() != 12 {
		t.Errorf("%+v: %v", event, err)
	}
	for _, tt := range []struct{ from, to, want string }{
		{`"1.0"`, `"0.3"`, "specversion"},
		{`"id":"7",`, ``, "id is missing"},
		{`"/chat"`, `"a|b"`, "no URI"},
		{`"subject":"ann"`, `"subject":"ann","datacontenttype":"text/xml"`, "datacontenttype"},
		{`"provider"`, `"user_id":"bob","provider"`, "given twice"},
		{`"provider"`, `"dollars":3,"provider"`, "data: the field dollars"},
		{`"data"`, `"data_base64":"x","data"`, "either"},
		{`"data"`, `"dada"`, "either"},
		{`"time":"2026-11-20T10:00:00Z"`, `"time":"tomorrow"`, "time"},
	} {
		_, err := r.CloudEvent([]byte(strings.Replace(good, tt.from, tt.to, 1)))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s for %s: %v", tt.to, tt.from, err)
		}
	}
}

func TestChangesOfEvents(t *testing.T) {
	r, err := usage.NewObjectReader()
	if err != nil {
		t.Fatal(err)
	}
	change, err := r.Change([]byte(`{"input_tokens":7,"success":true}`))
	if err != nil {
		t.Fatal(err)
	}
	before := usage.Event{ID: "a", Model: "m", StatusCode: 500}
	if after := change(before); after.ID != "a" || after.Model != "m" || after.StatusCode != 200 ||
		after.Quantities.Tokens() != 7 {
		t.Errorf("%+v", after)
	}
	for _, nothing := range []string{`{}`, `{"id":"b"}`, `{"colour":"red"}`, `[]`} {
		if _, err := r.Change([]byte(nothing)); err == nil {
			t.Errorf("%s corrects something", nothing)
		}
	}
}
