package usage

// sharedTexts makes one string of all equal texts: the same few providers, models and endpoints are in every row of a
// file.
type sharedTexts struct {
	known map[string]string
	most  int // so that a file of ever new texts takes no memory for them
}

const (
	mostSharedTexts   = 4_096
	mostSharedUsers   = 65_536
	longestSharedText = 128
)

func newSharedTexts(most int) *sharedTexts {
	return &sharedTexts{known: map[string]string{}, most: most}
}

// text returns the text as a string that keeps nothing of it. Without shared texts it is always a new one.
func (s *sharedTexts) text(text []byte) string {
	if s == nil {
		return string(text)
	}
	if known, ok := s.known[string(text)]; ok {
		return known
	}
	made := string(text)
	if len(made) <= longestSharedText && len(s.known) < s.most {
		s.known[made] = made
	}
	return made
}
