package wire

import (
	"errors"
	"io"
	"mime/multipart"
	"strings"

	"github.com/alwrity/alwrity-sub/failure"
)

// mostParts is how many parts a form may have: edits of images take 16 files.
const mostParts = 100

// readForm reads a multipart/form-data body. Fields are read as members of a JSON object of the same names. Of files
// only the beginning and the size are looked at.
func (r *reading) readForm(body io.Reader, boundary string) error {
	if boundary == "" {
		return failure.Invalidf("the form has no boundary in its Content-Type")
	}
	form := multipart.NewReader(body, boundary)
	seen := map[string]bool{}
	for range mostParts {
		part, err := form.NextRawPart()
		if errors.Is(err, io.EOF) {
			return r.err
		}
		if err != nil {
			return noForm(err)
		}
		name := strings.TrimSuffix(part.FormName(), "[]")
		n := r.format.request.of([]byte(name), false)
		switch coding := part.Header.Get("Content-Transfer-Encoding"); {
		case coding != "" && !strings.EqualFold(coding, "binary") && !strings.EqualFold(coding, "8bit"):
			return failure.Invalidf("the part %q is encoded as %q: send it as it is", failure.Shorten(name),
				failure.Shorten(coding))
		case n == nil:
			r.refuseCase(r.format.request, []byte(name))
		case part.FileName() != "":
			err = r.readFile(n, part)
		case seen[name]:
			return failure.Invalidf("the form has %q twice", failure.Shorten(name))
		default:
			seen[name] = true
			err = r.readField(n, part)
		}
		if err != nil {
			return noForm(err)
		}
	}
	return failure.Invalidf("the form has more than %d parts", mostParts)
}

// noForm returns the failure for a form that can't be read, or the error that reading it has met with.
func noForm(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) || strings.HasPrefix(err.Error(), "multipart: ") ||
		strings.HasPrefix(err.Error(), "malformed ") {
		return failure.Invalidf("the body is no complete form: %s", failure.Shorten(err.Error())).Because(err)
	}
	return err
}

func (r *reading) readField(n *node, part io.Reader) error {
	if n.begin != nil {
		n.begin(r)
	}
	var text []byte
	buf := make([]byte, 4096)
	cut := false
	for {
		size, err := part.Read(buf)
		if n.counts {
			r.count(buf[:size])
		}
		if n.piece != nil {
			n.piece(r, buf[:size])
		}
		keep := min(size, longestKept-len(text))
		text, cut = append(text, buf[:keep]...), cut || keep < size
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
	}
	r.countBreak()
	v := value{kind: 's', text: text, cut: cut}
	if s := string(text); s == "true" || s == "false" {
		v.kind = s[0]
	}
	if n.take != nil {
		n.take(r, v)
	}
	return nil
}

// readFile reads a file.
func (r *reading) readFile(n *node, part io.Reader) error {
	head := make([]byte, 4096)
	size, err := io.ReadFull(part, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return err
	}
	more := int64(0)
	if err == nil {
		if more, err = io.Copy(io.Discard, part); err != nil {
			return err
		}
	}
	r.fileHead, r.fileSize = head[:size], int64(size)+more
	if n.begin != nil {
		n.begin(r)
	}
	return nil
}
