package plan_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
)

func TestParseRate(t *testing.T) {
	for text, want := range map[string]int64{"": 0, "unlimited": 0, "1": 1, "60.0": 60, "1000000000": 1_000_000_000} {
		if got, err := plan.ParseRate("parallel_calls", text); err != nil || got != want {
			t.Errorf("ParseRate(%q) = %d, %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"0", "-1", "1.5", "1e3", "none", "[1]", "٣", strings.Repeat("9", 100_000)} {
		_, err := plan.ParseRate("parallel_calls", text)
		wantFailure(t, err, failure.Invalid)
		if !strings.Contains(fmt.Sprint(err), "parallel_calls is ") {
			t.Errorf("ParseRate(%q): %v", text, err)
		}
	}
}

// What a file says is compared, written and read back; what it does not say is no bound.
func TestRatesOfAPlanFile(t *testing.T) {
	have, err := plan.ParseCatalogue("f.yaml", []byte(freePlan), providers(t))
	if err != nil {
		t.Fatal(err)
	}
	const file = freePlan + "    requests_per_minute: 60\n    parallel_calls: '4'\n    tokens_per_minute: unlimited\n"
	want, err := plan.ParseCatalogue("f.yaml", []byte(file), providers(t))
	if err != nil {
		t.Fatal(err)
	}
	if got := want[0].Rates; got != (plan.Rates{RequestsPerMinute: 60, ParallelCalls: 4}) ||
		got.String() != "60 requests a minute, 4 parallel calls" {
		t.Errorf("the rates are %+v: %s", got, got)
	}
	if (have[0].Rates != plan.Rates{}) {
		t.Errorf("without a word there are rates: %+v", have[0].Rates)
	}
	diffs := fmt.Sprint(plan.Diff(have, want))
	if diffs != "[{Free requests_per_minute unlimited 60} {Free parallel_calls unlimited 4}]" {
		t.Errorf("the difference is %s", diffs)
	}
	again, err := plan.ParseCatalogue("f.yaml", []byte(want.YAML()), providers(t))
	if err != nil || len(plan.Diff(want, again)) > 0 {
		t.Errorf("%v\n%s", err, want.YAML())
	}
	_, err = plan.ParseCatalogue("f.yaml", []byte(freePlan+"    tokens_per_minute: 0\n"), providers(t))
	wantFailure(t, err, failure.Invalid)
	if text := fmt.Sprint(err); !strings.Contains(text, `plan 1 (Free): tokens_per_minute is "0"`) {
		t.Error(text)
	}
}
