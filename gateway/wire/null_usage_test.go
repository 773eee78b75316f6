package wire

import "testing"

func TestNullUsageIsTakenOut(t *testing.T) {
	for _, test := range []struct{ events, want string }{
		{"data: " + chunk + "\n\n", "data: " + chunk[:len(chunk)-len(`,"usage":null}`)] + "}\n\n"},
		{"data: {\"a\":1 , \"usage\" : null , \"b\":2}\r\n\r\ndata: {\"usage\":null}\n\n",
			"data: {\"a\":1 , \"b\":2}\r\n\r\ndata: {}\n\n"},
		{"\uFEFFid: 1\ndata:{\"usage\": null, \"b\":2}\n\n", "\uFEFFid: 1\ndata:{ \"b\":2}\n\n"},
		{"\uFEFFdata: {\"b\":2,\"usage\":null}\n\n", "\uFEFFdata: {\"b\":2}\n\n"},
	} {
		if got := string(WithoutNullUsage([]byte(test.events))); got != test.want {
			t.Errorf("%q becomes %q, want %q", test.events, got, test.want)
		}
	}
	for _, events := range []string{
		"data: " + usageChunk + "\n\n", "data: [DONE]\n\n", ": {\"usage\":null}\n\n", "data: {\"usage\":nul\n\n",
		"data: {\"a\":\ndata: 1,\"usage\":null}\n\n",
		`data: {"a":"\"usage\":null","b":{"usage":null},"c":[{"usage":null}]}` + "\n\n",
		"data: \"usage\":null\n\n", "data: {\"usage\"", "data: {\"usage\":", "data: {\"usage\":0,\"a\":null}\n\n",
	} {
		if got := string(WithoutNullUsage([]byte(events))); got != events {
			t.Errorf("%q becomes %q", events, got)
		}
	}
}
