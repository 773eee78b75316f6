package gateway

import (
	"strings"
	"sync/atomic"
)

// Keys are the keys of an upstream, which take turns.
type Keys struct {
	all  []string
	turn atomic.Uint64
}

// NewKeys returns the keys that some variables have; each may have several, with commas between them.
func NewKeys(variables []string, lookup func(name string) string) *Keys {
	k := &Keys{}
	for _, variable := range variables {
		for key := range strings.SplitSeq(lookup(variable), ",") {
			if key = strings.TrimSpace(key); key != "" {
				k.all = append(k.all, key)
			}
		}
	}
	return k
}

// Next returns the key whose turn it is, "" where there is none.
func (k *Keys) Next() string {
	if len(k.all) == 0 {
		return ""
	}
	return k.all[(k.turn.Add(1)-1)%uint64(len(k.all))]
}

// hide takes the keys out of a text.
func (k *Keys) hide(text []byte) []byte {
	for _, key := range k.all {
		if strings.Contains(string(text), key) {
			text = []byte(strings.ReplaceAll(string(text), key, "***"))
		}
	}
	return text
}
