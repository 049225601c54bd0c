package web

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/templates"
)

// form reads the fields of a form and gathers what is wrong with them.
type form struct {
	r        *request
	problems []fault.Field
}

func (r *request) form() *form { return &form{r: r} }

// formOf reads fields that may stand in a URL too.
func formOf(sent url.Values) *form {
	return &form{r: &request{Request: &http.Request{PostForm: sent}}}
}

// text is a field as it was typed. Browsers send the line ends of a text area as CR LF
// whatever was pasted (HTML, "normalize newlines" of form submission); keys, certificates
// and JSON documents have LF, so that is what is stored. A value that needs CR LF is
// written through the API.
func (f *form) text(name string) string {
	return strings.ReplaceAll(f.r.PostForm.Get(name), "\r\n", "\n")
}

// line is a field of one line, without blanks around it.
func (f *form) line(name string) string { return strings.TrimSpace(f.text(name)) }

func (f *form) plaintext(name string) models.Plaintext {
	return models.NewPlaintext([]byte(f.text(name)))
}

func (f *form) wrong(name, message string) {
	f.problems = append(f.problems, fault.Field{Name: name, Message: message})
}

// number is a whole number; an empty field is 0.
func (f *form) number(name string) int {
	text := f.line(name)
	if text == "" {
		return 0
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		f.wrong(name, "must be a whole number")
	}
	return n
}

// revision is what the form was filled from; 0 where it does not say.
func (f *form) revision() int64 {
	n, _ := strconv.ParseInt(f.line("revision"), 10, 64)
	return n
}

// ticked is how a form holds a switch.
func ticked(on bool) string {
	if on {
		return "true"
	}
	return ""
}

// date is the beginning of a day in UTC; the zero time for an empty field.
func (f *form) date(name string) time.Time {
	text := f.line(name)
	if text == "" {
		return time.Time{}
	}
	day, err := time.Parse(time.DateOnly, text)
	if err != nil {
		f.wrong(name, "must be a date such as 2026-11-22")
	}
	return day
}

// tags are one key=value a line; a line without = is a key without a value.
func (f *form) tags(name string) map[string]string {
	tags := map[string]string{}
	for line := range strings.Lines(f.text(name)) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		key, value, _ := strings.Cut(line, "=")
		key = strings.TrimSpace(key)
		if _, twice := tags[key]; twice {
			f.wrong(name, "has the key "+strconv.Quote(key)+" twice")
		}
		tags[key] = strings.TrimSpace(value)
	}
	return tags
}

// lines are the lines of a field that are not empty.
func (f *form) lines(name string) (lines []string) {
	for line := range strings.Lines(f.text(name)) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

func tagLines(tags map[string]string) string {
	var lines strings.Builder
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		lines.WriteString(key + "=" + tags[key] + "\n")
	}
	return strings.TrimSuffix(lines.String(), "\n")
}

// err is what is wrong with the fields, or nil.
func (f *form) err() error {
	if len(f.problems) == 0 {
		return nil
	}
	err := fault.New(fault.Invalid, "Some fields are not right; nothing was saved.")
	err.Fields = f.problems
	return err
}

// refill is a form that was refused, with what was typed. Where the thing has changed
// meanwhile, the form gets its new revision: who has read that may save over it.
func (r *request) refill(err error, revision int64, names ...string) templates.Form {
	typed := make(map[string]string, len(names))
	for _, name := range names {
		typed[name] = r.form().text(name)
	}
	filled := templates.Form{Values: typed, Revision: r.form().revision()}
	if fault.Is(err, fault.Stale) {
		filled.Revision = revision
		err = fault.New(fault.Stale, "Somebody else changed it since you opened this form; nothing was written, and what you typed is kept.").
			WithHint("Open it in another tab to see what changed. Saving again replaces that with what stands here.")
	}
	filled.Fail(err)
	return filled
}

// renameField moves an error to the field of the form that it is about.
func renameField(err error, from, to string) error {
	public := fault.Public(err)
	if !slices.ContainsFunc(public.Fields, func(f fault.Field) bool { return f.Name == from }) {
		return err
	}
	mended := *public
	mended.Fields = slices.Clone(public.Fields)
	for i := range mended.Fields {
		if mended.Fields[i].Name == from {
			mended.Fields[i].Name = to
		}
	}
	return &mended
}
