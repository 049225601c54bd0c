package sync

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/your-org/keeper/fault"
)

// Base64Suffix ends the key of a value that is not text, which stands in base64.
const Base64Suffix = "_base64"

// maxDepth is how deep objects and arrays may lie in each other.
const maxDepth = 100

// Why a text is not an object that can be compared. None quotes it.
var (
	errNoObject  = fault.New(fault.Invalid, "The value is not a JSON object.")
	errTooDeep   = fault.New(fault.Invalid, "The JSON object is more than %d levels deep.", maxDepth)
	errKeyTwice  = fault.New(fault.Invalid, "The JSON object has a key twice.").WithHint("Remove one of the two: which one counts differs from reader to reader.")
	errSurrogate = fault.New(fault.Invalid, `The JSON object holds half of a character (\ud800 to \udfff alone).`)
)

// CanonicalObject is the one text of a JSON object: keys sorted by their bytes at every
// depth, numbers as written, strings without escapes beyond those that JSON needs, no white
// space. Two texts have the same one where they differ in nothing else. Invalid where text
// is no object or not UTF-8, has a key twice, is deeper than 100 levels, or holds a lone
// surrogate. The error never quotes the text; the answer is in bytes of its own.
func CanonicalObject(text []byte) ([]byte, error) {
	if !utf8.Valid(text) || !json.Valid(text) {
		return nil, errNoObject
	}
	s := scanner{text: text}
	if s.next() != '{' {
		return nil, errNoObject
	}
	return s.value(make([]byte, 0, len(text)))
}

// ObjectOf makes an object of texts, {"key":"value",…}, canonical. A value that is not UTF-8
// stands under key + "_base64"; Invalid where that key is another value's.
func ObjectOf(values map[string][]byte) ([]byte, error) {
	members, size := make([]member, 0, len(values)), 2
	for key, value := range values {
		m := member{key: key}
		if utf8.Valid(value) {
			m.value = appendString(nil, value)
		} else {
			m.key += Base64Suffix
			m.value = appendString(nil, base64.StdEncoding.AppendEncode(nil, value))
		}
		members, size = append(members, m), size+len(m.key)+len(m.value)+4
	}
	return appendObject(make([]byte, 0, size), members)
}

// Members reads an object back: each key with its value, strings as they are and any other
// JSON value as its canonical text. Where known says that "x" is a key and neither knows
// "x_base64" nor holds an "x", the value of "x_base64" is decoded and stands as "x"; a nil
// known decodes where that gives what is not text, which is what ObjectOf makes so.
//
// A number and a string of its digits read alike: an object is one that ObjectOf made only
// where ObjectOf makes it again of its members.
func Members(text []byte, known func(key string) bool) (map[string][]byte, error) {
	canonical, err := CanonicalObject(text)
	if err != nil {
		return nil, err
	}
	s := scanner{text: canonical}
	s.next()
	members, err := s.members()
	if err != nil {
		return nil, err
	}
	values := make(map[string][]byte, len(members))
	for _, m := range members {
		values[m.key] = m.text()
	}
	for _, m := range members {
		stem, ok := strings.CutSuffix(m.key, Base64Suffix)
		if _, taken := values[stem]; !ok || taken || known != nil && (known(m.key) || !known(stem)) {
			continue
		}
		value, err := base64.StdEncoding.Strict().DecodeString(string(values[m.key]))
		if m.value[0] != '"' || err != nil || known == nil && utf8.Valid(value) {
			continue
		}
		delete(values, m.key)
		values[stem] = value
	}
	return values, nil
}

// member is one key of an object with its canonical value.
type member struct {
	key   string
	value []byte
}

// text is a string without its quotes, and any other value as it stands.
func (m member) text() []byte {
	if m.value[0] != '"' {
		return m.value
	}
	s := scanner{text: m.value}
	text, _ := s.str() // canonical already
	return text
}

// appendObject writes members sorted by their keys.
func appendObject(out []byte, members []member) ([]byte, error) {
	slices.SortFunc(members, func(a, b member) int { return strings.Compare(a.key, b.key) })
	out = append(out, '{')
	for i, m := range members {
		if i > 0 {
			if m.key == members[i-1].key {
				return nil, errKeyTwice
			}
			out = append(out, ',')
		}
		out = append(appendString(out, []byte(m.key)), ':')
		out = append(out, m.value...)
	}
	return append(out, '}'), nil
}

// appendString writes a string in quotes with the escapes that JSON demands: of quotation
// mark, backslash, and what is below U+0020 (RFC 8259, section 7).
func appendString(out, s []byte) []byte {
	const hex = "0123456789abcdef"
	out = append(out, '"')
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			out = append(out, '\\', c)
		case c < 0x20:
			out = append(out, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			out = append(out, c)
		}
	}
	return append(out, '"')
}

// scanner reads a text that json.Valid has passed.
type scanner struct {
	text   []byte
	at     int
	depth  int
	number func(text []byte) []byte // what a number becomes; nil: it stays as written
}

// next is the first byte that is not white space, which it stands at then; 0 at the end.
func (s *scanner) next() byte {
	for ; s.at < len(s.text); s.at++ {
		if c := s.text[s.at]; c != ' ' && c != '\t' && c != '\n' && c != '\r' {
			return c
		}
	}
	return 0
}

// value appends the canonical text of the value that it stands at.
func (s *scanner) value(out []byte) ([]byte, error) {
	switch s.next() {
	case '{':
		members, err := s.members()
		if err != nil {
			return nil, err
		}
		return appendObject(out, members)
	case '[':
		return s.array(out)
	case '"':
		text, err := s.str()
		return appendString(out, text), err
	}
	rest := s.text[s.at:]
	if end := bytes.IndexAny(rest, ",]} \t\r\n"); end >= 0 {
		rest = rest[:end]
	}
	s.at += len(rest)
	if c := rest[0]; s.number != nil && (c == '-' || c >= '0' && c <= '9') {
		rest = s.number(rest)
	}
	return append(out, rest...), nil
}

// down goes a level deeper, past the bracket.
func (s *scanner) down() error {
	if s.at, s.depth = s.at+1, s.depth+1; s.depth > maxDepth {
		return errTooDeep
	}
	return nil
}

// more reports whether another element comes before the bracket that ends the level.
func (s *scanner) more() bool {
	switch s.next() {
	case ']', '}':
		s.at, s.depth = s.at+1, s.depth-1
		return false
	case ',':
		s.at++
	}
	return true
}

func (s *scanner) members() (members []member, err error) {
	if err := s.down(); err != nil {
		return nil, err
	}
	for s.more() {
		s.next()
		key, err := s.str()
		if err != nil {
			return nil, err
		}
		s.next()
		s.at++ // the colon
		value, err := s.value(nil)
		if err != nil {
			return nil, err
		}
		members = append(members, member{key: string(key), value: value})
	}
	return members, nil
}

func (s *scanner) array(out []byte) ([]byte, error) {
	if err := s.down(); err != nil {
		return nil, err
	}
	out = append(out, '[')
	for first := true; s.more(); first = false {
		if !first {
			out = append(out, ',')
		}
		var err error
		if out, err = s.value(out); err != nil {
			return nil, err
		}
	}
	return append(out, ']'), nil
}

// str reads the string that it stands at.
func (s *scanner) str() ([]byte, error) {
	var out []byte
	for s.at++; s.text[s.at] != '"'; s.at++ {
		c := s.text[s.at]
		if c != '\\' {
			out = append(out, c)
			continue
		}
		s.at++
		switch c = s.text[s.at]; c {
		case 'u':
			r, err := s.escaped()
			if err != nil {
				return nil, err
			}
			out = utf8.AppendRune(out, r)
		case 'b', 'f', 'n', 'r', 't':
			out = append(out, "\b\f\n\r\t"[strings.IndexByte("bfnrt", c)])
		default: // " \ /
			out = append(out, c)
		}
	}
	s.at++
	return out, nil
}

// escaped reads the digits after \u, and the other half of a character that takes two. It
// ends at the last digit.
func (s *scanner) escaped() (rune, error) {
	r := s.unit(s.at + 1)
	s.at += 4
	if !utf16.IsSurrogate(r) {
		return r, nil
	}
	if bytes.HasPrefix(s.text[s.at+1:], []byte(`\u`)) {
		if r = utf16.DecodeRune(r, s.unit(s.at+3)); r != utf8.RuneError {
			s.at += 6
			return r, nil
		}
	}
	return 0, errSurrogate
}

func (s *scanner) unit(at int) rune {
	n, _ := strconv.ParseUint(string(s.text[at:at+4]), 16, 16)
	return rune(n)
}
