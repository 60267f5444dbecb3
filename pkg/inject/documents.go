package inject

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
)

// MaxDocument bounds one document in bytes: etcd takes no object of that size,
// and a List of some ten thousand objects has it.
const MaxDocument = 256 << 20

// ErrTooLarge is a document above MaxDocument.
var ErrTooLarge = errors.New("it is larger than 256 MiB")

// Documents cuts a stream of YAML documents, or of JSON values one after the
// other, into documents. Put together again, they are the stream byte for byte:
// a separator begins the document that follows it. Only one document is held at
// a time.
func Documents(r io.Reader) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		in := bufio.NewReaderSize(r, 64<<10)
		var document []byte
		var values braces
		for {
			line, err := in.ReadSlice('\n')
			for errors.Is(err, bufio.ErrBufferFull) { // a long line, such as JSON without any
				document = values.take(document, line)
				if len(document) > MaxDocument {
					yield(nil, ErrTooLarge)
					return
				}
				line, err = in.ReadSlice('\n')
			}
			if separates(line) && !values.long && len(document) > 0 {
				if !yield(document, nil) {
					return
				}
				document, values = nil, braces{}
			}
			document = values.take(document, line)
			values.long = false
			if err != nil {
				if len(document) > 0 && !yield(document, nil) {
					return
				}
				if !errors.Is(err, io.EOF) {
					yield(nil, fmt.Errorf("reading a document: %w", err))
				}
				return
			}
			if values.complete() && json.Valid(document) {
				if !yield(document, nil) {
					return
				}
				document, values = nil, braces{}
			}
		}
	}
}

// separates reports whether a line begins a YAML document. No content of a
// document may hold such a line, block scalars included:
// https://yaml.org/spec/1.2.2/#914-explicit-documents.
func separates(line []byte) bool {
	rest, ok := bytes.CutPrefix(line, []byte("---"))
	return ok && (len(rest) == 0 || strings.IndexByte(" \t\r\n", rest[0]) >= 0)
}

// braces follows a JSON value over the pieces in which it is read.
type braces struct {
	begun, json, inString, escaped bool
	long                           bool // the last piece did not end its line
	depth                          int
}

func (b *braces) take(document, piece []byte) []byte {
	b.long = true
	for _, c := range piece {
		if !b.begun {
			if c == ' ' || c == '\t' || c == '\r' || c == '\n' {
				continue
			}
			b.begun, b.json = true, c == '{'
		}
		if !b.json {
			break
		}
		switch {
		case b.escaped:
			b.escaped = false
		case b.inString:
			b.escaped, b.inString = c == '\\', c != '"'
		case c == '"':
			b.inString = true
		case c == '{', c == '[':
			b.depth++
		case c == '}', c == ']':
			b.depth--
		}
	}
	return append(document, piece...)
}

// complete reports whether what was read may be a whole JSON object.
func (b *braces) complete() bool { return b.json && b.depth == 0 && !b.inString }

// Blank reports whether a document holds nothing but comments, directives and
// separators.
func Blank(document []byte) bool {
	for line := range bytes.Lines(document) {
		line = bytes.TrimPrefix(bytes.TrimSpace(bytes.TrimPrefix(line, byteOrderMark)), []byte("---"))
		line = bytes.TrimSpace(line)
		if len(line) > 0 && line[0] != '#' && line[0] != '%' && string(line) != "..." {
			return false
		}
	}
	return true
}

var byteOrderMark = []byte("\xef\xbb\xbf")
